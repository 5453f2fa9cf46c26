package io.framecast.backend.cuda.compiler;

import io.framecast.files.AtomicFiles;
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
import java.util.Optional;

/**
 * Compiled kernels on disk, PTX or machine code: one file for each key. The first line of a file has the SHA-256 of the
 * rest, so that a damaged file counts as missing. Files are replaced atomically, so processes need no lock.
 */
record ImageDirectory(Path path) {

    private static final String HEADER = "// Kernels of Framecast, SHA-256 ";

    /** The line, with 64 digits and its end. */
    private static final int HEADER_BYTES = HEADER.length() + 64 + 1;

    /**
     * A key of what a source compiles to.
     *
     * @param compiler its version; empty if any may have compiled it
     */
    static String key(String compiler, CudaSource source, String architecture, List<String> options) {
        List<String> parts = new ArrayList<>(List.of(compiler, architecture, source.name(), source.text(),
                Integer.toString(source.headers().size())));
        source.headers().forEach((name, text) -> parts.addAll(List.of(name, text)));
        parts.addAll(options);
        // Unambiguous: each part has its length in front, and the number of headers is one of them.
        StringBuilder all = new StringBuilder();
        parts.forEach(part -> all.append(part.length()).append(':').append(part));
        return sha256(all.toString().getBytes(StandardCharsets.UTF_8));
    }

    private Path file(String key) {
        return path.resolve(key + ".image");
    }

    /** The image with this key; empty if there is none, or it is damaged or cannot be read. */
    Optional<byte[]> read(String key) {
        try {
            byte[] bytes = Files.readAllBytes(file(key));
            int begin = Math.min(HEADER_BYTES, bytes.length);
            byte[] image = Arrays.copyOfRange(bytes, begin, bytes.length);
            return Arrays.equals(Arrays.copyOf(bytes, begin), header(image)) ? Optional.of(image) : Optional.empty();
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    /** @throws io.framecast.FramecastException if it cannot be written */
    void write(String key, byte[] image) {
        AtomicFiles.write(file(key), out -> {
            out.write(header(image));
            out.write(image);
        });
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
