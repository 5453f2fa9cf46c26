package io.framecast.backend.cuda;

import io.framecast.AtomicFiles;
import io.framecast.FramecastException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * PTX on disk, one file for each source and way to compile it. A file begins with a line that has the SHA-256 of the
 * rest, so that a damaged one is noticed and made anew. Files appear whole, so that processes need not wait for each
 * other. Where nothing can be kept, all works as without a cache.
 */
final class KernelCache {

    private static final String HEADER = "// PTX of Framecast, SHA-256 ";

    /** What makes PTX. */
    interface Compiler {

        /** Changes whenever the same source may become other PTX. */
        String version();

        String compile(CudaSource source, String architecture, List<String> options);
    }

    private static final Compiler NVRTC = new Compiler() {
        @Override
        public String version() {
            return Nvrtc.version();
        }

        @Override
        public String compile(CudaSource source, String architecture, List<String> options) {
            return CudaCompiler.compile(source.name(), source.text(), source.headers(), architecture, options);
        }
    };

    private final Path directory;
    private final Compiler compiler;

    KernelCache(Path directory, Compiler compiler) {
        this.directory = directory;
        this.compiler = compiler;
    }

    /** NVRTC's, in the user's cache. */
    static KernelCache of(Map<String, String> environment) {
        return new KernelCache(UserCache.directory(environment).resolve("kernels"), NVRTC);
    }

    /**
     * The PTX of a source, from the disk where it is there.
     *
     * @throws FramecastException if it has to be compiled and cannot be
     */
    String ptx(CudaSource source, String architecture, List<String> options) {
        Path file = directory.resolve(key(source, architecture, options) + ".ptx");
        return read(file).orElseGet(() -> {
            String ptx = compiler.compile(source, architecture, options);
            write(file, ptx);
            return ptx;
        });
    }

    private String key(CudaSource source, String architecture, List<String> options) {
        List<String> parts = new ArrayList<>(List.of(compiler.version(), architecture, source.name(), source.text(),
                Integer.toString(source.headers().size())));
        source.headers().forEach((name, text) -> parts.addAll(List.of(name, text)));
        parts.addAll(options);
        // With the number of headers among them and its length before each, no two lists of parts read the same.
        StringBuilder all = new StringBuilder();
        parts.forEach(part -> all.append(part.length()).append(':').append(part));
        return sha256(all.toString());
    }

    private static Optional<String> read(Path file) {
        try {
            String text = Files.readString(file);
            int end = text.indexOf('\n') + 1;
            String ptx = text.substring(end);
            return text.substring(0, end).equals(header(ptx)) ? Optional.of(ptx) : Optional.empty();
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    private static void write(Path file, String ptx) {
        try {
            AtomicFiles.write(file, header(ptx) + ptx);
        } catch (FramecastException e) {
            // The next process compiles it again.
        }
    }

    private static String header(String ptx) {
        return HEADER + sha256(ptx) + "\n";
    }

    private static String sha256(String text) {
        try {
            byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }
}
