package io.framecast.keras;

import io.framecast.FramecastException;
import io.framecast.system.JavaHeap;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;

/** A {@code .keras} file: a zip archive with the model, the version of Keras and the weights. */
final class KerasArchive implements AutoCloseable {

    static final String CONFIG = "config.json";
    static final String METADATA = "metadata.json";
    static final String WEIGHTS = "model.weights.h5";

    /** The longest array in Java. */
    private static final int MAX_BYTES = Integer.MAX_VALUE - 8;

    /** An entry that expands more than this is no model but a bomb: weights hardly shrink. Small ones are let pass. */
    private static final int MAX_EXPANSION = 100;
    private static final int SMALL = 1 << 24;

    private final Path file;
    private final ZipFile zip;

    KerasArchive(Path file) throws IOException {
        this.file = file;
        zip = new ZipFile(file.toFile());
    }

    String text(String name, int most) throws IOException {
        return new String(bytes(name, most), StandardCharsets.UTF_8);
    }

    byte[] bytes(String name) throws IOException {
        return bytes(name, MAX_BYTES);
    }

    private byte[] bytes(String name, int most) throws IOException {
        ZipEntry entry = zip.getEntry(name);
        if (entry == null) {
            throw new FramecastException("Cannot read the file " + file + ": it has no \"" + name
                    + "\", so it is no model that Keras 3 saved in one file.");
        }
        long size = entry.getSize();
        if (size < 0 || size > most || size > SMALL && size / MAX_EXPANSION > entry.getCompressedSize()) {
            throw new FramecastException("Cannot read the file " + file + ": it says that its \"" + name + "\" has "
                    + size + " bytes, more than it can have.");
        }
        JavaHeap.require(size, "The \"" + name + "\" of the file " + file);
        byte[] bytes;
        try (InputStream in = zip.getInputStream(entry)) {
            bytes = in.readNBytes((int) size);
        }
        CRC32 sum = new CRC32(); // ZipFile does not compare it.
        sum.update(bytes);
        if (bytes.length != size || sum.getValue() != entry.getCrc()) {
            throw new FramecastException("Cannot read the file " + file + ": its \"" + name + "\" is damaged: the "
                    + "checksum differs.");
        }
        return bytes;
    }

    @Override
    public void close() throws IOException {
        zip.close();
    }
}
