package io.framecast.backend.cuda.compiler;

import io.framecast.FramecastException;
import io.framecast.system.UserCache;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What a compiler makes of sources, kept on disk for each combination of source, architecture and options. If there is
 * no directory that can be written, kernels are compiled each time.
 */
final class KernelCache {

    /** Compiles a source. */
    interface Compiler {

        /** Part of the key: different whenever the same source may compile differently. */
        String version();

        /** PTX or machine code, as the architecture says. */
        byte[] compile(CudaSource source, String architecture, List<String> options);
    }

    private static final Compiler NVRTC = new Compiler() {
        @Override
        public String version() {
            return Nvrtc.version();
        }

        @Override
        public byte[] compile(CudaSource source, String architecture, List<String> options) {
            return CudaCompiler.compile(source, architecture, options).image();
        }
    };

    private final Optional<ImageDirectory> images;
    private final Compiler compiler;

    KernelCache(Path directory, Compiler compiler) {
        this(Optional.of(new ImageDirectory(directory)), compiler);
    }

    private KernelCache(Optional<ImageDirectory> images, Compiler compiler) {
        this.images = images;
        this.compiler = compiler;
    }

    /** The cache of what NVRTC compiles, in the user's cache directory if there is one. */
    static KernelCache of(Map<String, String> environment) {
        return new KernelCache(directory(environment), NVRTC);
    }

    private static Optional<ImageDirectory> directory(Map<String, String> environment) {
        try {
            return Optional.of(new ImageDirectory(UserCache.directory(environment).resolve("kernels")));
        } catch (FramecastException e) {
            return Optional.empty(); // A cache saves time only.
        }
    }

    /**
     * The compiled source, from the disk if it is there.
     *
     * @throws FramecastException if it is not, and does not compile
     */
    byte[] image(CudaSource source, String architecture, List<String> options) {
        String key = ImageDirectory.key(compiler.version(), source, architecture, options);
        return images.flatMap(directory -> directory.read(key)).orElseGet(() -> {
            byte[] image = compiler.compile(source, architecture, options);
            images.ifPresent(directory -> write(directory, key, image));
            return image;
        });
    }

    private static void write(ImageDirectory directory, String key, byte[] image) {
        try {
            directory.write(key, image);
        } catch (FramecastException e) {
            // Not cached: the next process compiles it again.
        }
    }
}
