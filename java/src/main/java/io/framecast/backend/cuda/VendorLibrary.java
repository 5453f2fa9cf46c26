package io.framecast.backend.cuda;

import static io.framecast.backend.cuda.VendorCalls.checkCublas;
import static io.framecast.backend.cuda.VendorCalls.checkCudnn;

import io.framecast.FramecastException;
import io.framecast.JavaCpp;
import java.util.function.BiConsumer;
import jcuda.jcublas.JCublas2;
import jcuda.jcudnn.JCudnn;
import jcuda.libraryPropertyType;
import org.bytedeco.javacpp.Loader;

/** NVIDIA's libraries that are the machine's, and not part of this project; or the software device's stand-ins. */
public enum VendorLibrary {

    CUDNN("cuDNN", 9, "libcudnn.so.9", "libcudnn9-cuda-12",
            (type, value) -> checkCudnn(JCudnn.cudnnGetProperty(type, value), "cudnnGetProperty")),
    CUBLAS("cuBLAS", 12, "libcublas.so.12", "libcublas-12-6",
            (type, value) -> checkCublas(JCublas2.cublasGetProperty(type, value), "cublasGetProperty"));

    private final String title;
    private final int wanted;
    private final String file;
    private final String debianPackage;
    private final BiConsumer<Integer, int[]> property;

    /** @param wanted the major version */
    VendorLibrary(String title, int wanted, String file, String debianPackage, BiConsumer<Integer, int[]> property) {
        this.title = title;
        this.wanted = wanted;
        this.file = file;
        this.debianPackage = debianPackage;
        this.property = property;
    }

    /**
     * Makes JCuda's class for this library one that can be used.
     *
     * @throws FramecastException if the library is not there, cannot be loaded, or is of another version
     */
    void load() {
        find(file);
        try {
            requireVersion(property(libraryPropertyType.MAJOR_VERSION), property(libraryPropertyType.MINOR_VERSION),
                    property(libraryPropertyType.PATCH_LEVEL));
        } catch (LinkageError e) {
            throw new FramecastException("JCuda's native library for " + title + " cannot be loaded: "
                    + String.valueOf(e.getMessage()).lines().findFirst().orElse("") + "; use --conv kernels.", e);
        }
    }

    /**
     * Name and version.
     *
     * @throws FramecastException as {@link #load}
     */
    public String describe() {
        load();
        return title + " " + property(libraryPropertyType.MAJOR_VERSION) + "."
                + property(libraryPropertyType.MINOR_VERSION) + "." + property(libraryPropertyType.PATCH_LEVEL);
    }

    private int property(int type) {
        int[] value = new int[1];
        property.accept(type, value);
        return value[0];
    }

    /** Asks the system's loader before JCuda does: a class of JCuda that once missed its library is lost. */
    void find(String file) {
        JavaCpp.configure();
        Loader.load(org.bytedeco.javacpp.presets.javacpp.class);
        try {
            Loader.loadGlobal(file);
        } catch (UnsatisfiedLinkError e) {
            String why = String.valueOf(e.getMessage());
            // The same is told of a library that this one needs.
            boolean missing = why.startsWith(file + ": ") && why.contains("No such file");
            throw new FramecastException(missing
                    ? "This machine has no " + title + " " + wanted + " (no " + file + "); " + advice()
                    : title + " cannot be loaded: " + why + "; " + advice(), e);
        }
    }

    void requireVersion(int major, int minor, int patch) {
        if (major != wanted) {
            throw new FramecastException("This machine's " + file + " is " + title + " " + major + "." + minor + "."
                    + patch + ", and " + title + " " + wanted + " is needed; " + advice());
        }
    }

    private String advice() {
        return "install " + title + " " + wanted + " for CUDA 12 (apt-get install " + debianPackage
                + ", from NVIDIA's repository), or use --conv kernels.";
    }
}
