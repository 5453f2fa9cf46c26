package io.framecast.backend.cuda.library;

import io.framecast.FramecastException;
import io.framecast.system.JavaCpp;
import io.framecast.system.UserCache;
import java.io.IOException;
import java.net.URL;
import java.nio.file.Path;
import jcuda.JCudaVersion;
import jcuda.LibUtils;
import jcuda.driver.JCudaDriver;
import jcuda.jcublas.JCublas2;
import jcuda.jcudnn.JCudnn;
import jcuda.nvrtc.JNvrtc;

/**
 * JCuda's own native libraries, which need the CUDA libraries that they bind to be loaded already. JCuda itself would
 * unpack each to a file of known name in the directory for temporary files, and would load, and run, what anybody has
 * put there before.
 */
public enum JCudaLibrary {

    DRIVER("JCudaDriver", JCudaDriver.class),
    NVRTC("JNvrtc", JNvrtc.class),
    CUDNN("JCudnn", JCudnn.class),
    CUBLAS("JCublas2", JCublas2.class);

    /** Where {@link LibUtils} looks for a library, and takes what it finds. */
    private static final String TEMPORARY = "java.io.tmpdir";

    private final String library;
    private final Class<?> binding;
    private boolean loaded;

    JCudaLibrary(String library, Class<?> binding) {
        this.library = library;
        this.binding = binding;
    }

    /**
     * Makes JCuda's class one that can be used. To be called before its first use.
     *
     * @throws FramecastException if the library cannot be unpacked or loaded
     */
    public void load() {
        synchronized (JCudaLibrary.class) {
            if (!loaded) {
                try {
                    initialize(directory());
                } catch (IOException | LinkageError e) {
                    throw new FramecastException("JCuda's native library " + library + " cannot be loaded: "
                            + String.valueOf(e.getMessage()).lines().findFirst().orElse("") + ".", e);
                }
                loaded = true;
            }
        }
    }

    /** The directory of this user's that has the library; or any, where the library is not to come out of a jar. */
    private Path directory() throws IOException {
        String file = LibUtils.createLibraryFileName(
                LibUtils.createPlatformLibraryName(library + "-" + JCudaVersion.get()));
        URL resource = binding.getResource("/lib/" + file);
        if (resource == null) {
            return UserCache.directory();
        }
        Path unpacked = JavaCpp.unpack(resource);
        // First by ourselves: a class of JCuda that once failed to load its library is lost.
        System.load(unpacked.toString());
        return unpacked.getParent();
    }

    private void initialize(Path directory) {
        String temporary = System.getProperty(TEMPORARY);
        System.setProperty(TEMPORARY, directory.toString());
        try {
            Class.forName(binding.getName(), true, binding.getClassLoader());
        } catch (ClassNotFoundException e) {
            throw new IllegalStateException(e);
        } finally {
            System.setProperty(TEMPORARY, temporary);
        }
    }
}
