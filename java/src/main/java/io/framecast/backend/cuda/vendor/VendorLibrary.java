package io.framecast.backend.cuda.vendor;

import static io.framecast.backend.cuda.vendor.VendorCalls.checkCublas;
import static io.framecast.backend.cuda.vendor.VendorCalls.checkCudnn;

import io.framecast.FramecastException;
import io.framecast.Remedy;
import io.framecast.backend.cuda.library.JCudaLibrary;
import io.framecast.backend.cuda.library.SystemLibrary;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.util.List;
import java.util.function.BiConsumer;
import jcuda.jcublas.JCublas2;
import jcuda.jcudnn.JCudnn;
import jcuda.libraryPropertyType;

/** NVIDIA's libraries that the machine must have; or the software device's implementations of them. */
public enum VendorLibrary {

    CUDNN("cuDNN", 9, "libcudnn.so.9", "libcudnn9-cuda-12", JCudaLibrary.CUDNN,
            (type, value) -> checkCudnn(JCudnn.cudnnGetProperty(type, value), "cudnnGetProperty")),
    CUBLAS("cuBLAS", 12, "libcublas.so.12", "libcublas-12-6", JCudaLibrary.CUBLAS,
            (type, value) -> checkCublas(JCublas2.cublasGetProperty(type, value), "cublasGetProperty"));

    private final String title;
    private final int wanted;
    private final String file;
    private final String debianPackage;
    private final JCudaLibrary binding;
    private final BiConsumer<Integer, int[]> property;

    /** @param wanted the major version */
    VendorLibrary(String title, int wanted, String file, String debianPackage, JCudaLibrary binding,
            BiConsumer<Integer, int[]> property) {
        this.title = title;
        this.wanted = wanted;
        this.file = file;
        this.debianPackage = debianPackage;
        this.binding = binding;
        this.property = property;
    }

    /**
     * Loads it, and JCuda's binding to it.
     *
     * @return the files that could not be loaded before it, with the reasons
     * @throws FramecastException if the library is not there, cannot be loaded, or is of another version
     */
    List<String> load() {
        List<String> passedOver = find(file);
        binding.load();
        requireVersion(property(libraryPropertyType.MAJOR_VERSION), property(libraryPropertyType.MINOR_VERSION),
                property(libraryPropertyType.PATCH_LEVEL));
        return passedOver;
    }

    /**
     * Name and version of the library on this machine, and the files that could not be loaded before it.
     *
     * @throws FramecastException if the library is not there, cannot be loaded, or is of another version
     */
    public String describe() {
        List<String> passedOver = load();
        return title + " " + property(libraryPropertyType.MAJOR_VERSION) + "."
                + property(libraryPropertyType.MINOR_VERSION) + "." + property(libraryPropertyType.PATCH_LEVEL)
                + SystemLibrary.note(passedOver);
    }

    private int property(int type) {
        int[] value = new int[1];
        property.accept(type, value);
        return value[0];
    }

    List<String> find(String file) {
        try {
            return SystemLibrary.load(file, System.getenv());
        } catch (NoSuchFileException e) {
            throw new FramecastException("This machine has no " + title + " " + wanted + " (no " + file + "); "
                    + advice(), e, Remedy.KERNEL_CONVOLUTIONS);
        } catch (IOException e) {
            throw new FramecastException(title + " cannot be loaded: " + e.getMessage() + "; " + advice(), e,
                    Remedy.KERNEL_CONVOLUTIONS);
        }
    }

    void requireVersion(int major, int minor, int patch) {
        if (major != wanted) {
            throw new FramecastException("This machine's " + file + " is " + title + " " + major + "." + minor + "."
                    + patch + ", and " + title + " " + wanted + " is needed; " + advice(), Remedy.KERNEL_CONVOLUTIONS);
        }
    }

    private String advice() {
        return "install " + title + " " + wanted + " for CUDA 12 (apt-get install " + debianPackage
                + ", from NVIDIA's repository), or use this project's kernels.";
    }
}
