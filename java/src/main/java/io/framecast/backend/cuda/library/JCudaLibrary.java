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

/**
 * JCuda's own native libraries; the CUDA library that one is linked to must be loaded before it. They are unpacked to
 * the user's cache. JCuda itself would unpack each to a file of known name in the directory for temporary files, and
 * would load whatever file another user has put there.
 */
public enum JCudaLibrary {

    DRIVER("JCudaDriver", JCudaDriver.class),
    CUDNN("JCudnn", JCudnn.class),
    CUBLAS("JCublas2", JCublas2.class);

    /** The directory in which {@link LibUtils} looks for a library. */
    private static final String TEMPORARY = "java.io.tmpdir";

    private final String library;
    private final Class<?> binding;
    private boolean loaded;

    JCudaLibrary(String library, Class<?> binding) {
        this.library = library;
        this.binding = binding;
    }

    /**
     * Initialises JCuda's class. To be called before its first use.
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

    /** The directory with the unpacked library; if no jar has it, any. */
    private Path directory() throws IOException {
        String file = LibUtils.createLibraryFileName(
                LibUtils.createPlatformLibraryName(library + "-" + JCudaVersion.get()));
        // By the class loader: on the module path it is in another module than the class.
        URL resource = binding.getClassLoader().getResource("lib/" + file);
        if (resource == null) {
            return UserCache.directory();
        }
        Path unpacked = JavaCpp.unpack(resource);
        // Before JCuda does: a class of it whose initialiser failed once cannot be used again.
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
