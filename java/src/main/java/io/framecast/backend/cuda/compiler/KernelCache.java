package io.framecast.backend.cuda.compiler;

import io.framecast.FramecastException;
import io.framecast.files.AtomicFiles;
import io.framecast.system.UserCache;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Compiled kernels on disk, PTX or machine code: one file for each combination of source, architecture and options. The
 * first line of a file has the SHA-256 of the rest; a damaged file is compiled again. Files are replaced atomically, so
 * processes need no lock. If the directory cannot be written, kernels are compiled each time.
 */
final class KernelCache {

    private static final String HEADER = "// Kernels of Framecast, SHA-256 ";

    /** The line, with 64 digits and its end. */
    private static final int HEADER_BYTES = HEADER.length() + 64 + 1;

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

    private final Path directory;
    private final Compiler compiler;

    KernelCache(Path directory, Compiler compiler) {
        this.directory = directory;
        this.compiler = compiler;
    }

    /** The cache of what NVRTC compiles, in the user's cache directory. */
    static KernelCache of(Map<String, String> environment) {
        return new KernelCache(UserCache.directory(environment).resolve("kernels"), NVRTC);
    }

    /**
     * The compiled source, from the disk if it is there.
     *
     * @throws FramecastException if it is not, and does not compile
     */
    byte[] image(CudaSource source, String architecture, List<String> options) {
        Path file = directory.resolve(key(source, architecture, options) + ".image");
        return read(file).orElseGet(() -> {
            byte[] image = compiler.compile(source, architecture, options);
            write(file, image);
            return image;
        });
    }

    private String key(CudaSource source, String architecture, List<String> options) {
        List<String> parts = new ArrayList<>(List.of(compiler.version(), architecture, source.name(), source.text(),
                Integer.toString(source.headers().size())));
        source.headers().forEach((name, text) -> parts.addAll(List.of(name, text)));
        parts.addAll(options);
        // Unambiguous: each part has its length in front, and the number of headers is one of them.
        StringBuilder all = new StringBuilder();
        parts.forEach(part -> all.append(part.length()).append(':').append(part));
        return sha256(all.toString().getBytes(StandardCharsets.UTF_8));
    }

    private static Optional<byte[]> read(Path file) {
        try {
            byte[] bytes = Files.readAllBytes(file);
            int begin = Math.min(HEADER_BYTES, bytes.length);
            byte[] image = Arrays.copyOfRange(bytes, begin, bytes.length);
            return Arrays.equals(Arrays.copyOf(bytes, begin), header(image)) ? Optional.of(image) : Optional.empty();
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    private static void write(Path file, byte[] image) {
        try {
            AtomicFiles.write(file, out -> {
                out.write(header(image));
                out.write(image);
            });
        } catch (FramecastException e) {
            // Not cached: the next process compiles it again.
        }
    }

    private static byte[] header(byte[] image) {
        return (HEADER + sha256(image) + "\n").getBytes(StandardCharsets.UTF_8);
    }

    private static String sha256(byte[] bytes) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }
}
