package io.framecast.data;

import io.framecast.FramecastException;
import io.framecast.files.AtomicFiles;
import io.framecast.text.Count;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.Channels;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/**
 * Writes a .npy array piece by piece, in row-major order, holding only one piece in memory:
 *
 * <pre>{@code
 * NpyWriter.write(file, NpyType.FLOAT32, List.of(videos, frames, height, width, channels), out -> {
 *     for (int i = 0; i < videos; i++) {
 *         out.write(predict(i).values());
 *     }
 * });
 * }</pre>
 */
public final class NpyWriter {

    /** Writes all values of one array. */
    @FunctionalInterface
    public interface Content {
        /**
         * Writes all values.
         *
         * @param out receives the values
         * @throws IOException if they cannot be written
         */
        void writeTo(NpyWriter out) throws IOException;
    }

    private final OutputStream out;
    private final NpyType type;
    private long written;

    private NpyWriter(OutputStream out, NpyType type) {
        this.out = out;
        this.type = type;
    }

    /**
     * Replaces {@code file} by an array of the given shape. The header comes first, so that the file may be a pipe.
     *
     * @param file replaced if it exists
     * @param type UINT8 or FLOAT32
     * @param shape the dimensions
     * @param content writes the values, in C order
     * @throws FramecastException if the file cannot be written; the previous file is untouched
     * @throws IllegalStateException if {@code content} writes more or fewer values than the shape has; the previous
     *         file is untouched
     */
    public static void write(Path file, NpyType type, List<Integer> shape, Content content) {
        long values = shape.stream().mapToLong(Integer::longValue).reduce(1, Math::multiplyExact);
        requireSpace(file, Math.multiplyExact(values, type.bytes()));
        AtomicFiles.write(file, out -> {
            out.write(NpyHeader.encode(type, shape));
            NpyWriter writer = new NpyWriter(out, type);
            content.writeTo(writer);
            if (writer.written != values) {
                throw new IllegalStateException(writer.written + " values for an array of " + values);
            }
        });
    }

    /**
     * Replaces {@code file} by an array whose first dimension is what was written: its header is completed at the end.
     *
     * @param file replaced if it exists; no pipe
     * @param type UINT8 or FLOAT32
     * @param item the dimensions after the first
     * @param content writes the values, in C order
     * @return the first dimension
     * @throws FramecastException if the file cannot be written; the previous file is untouched
     * @throws IllegalStateException if {@code content} writes no whole number of items; the previous file is untouched
     */
    public static int writeAll(Path file, NpyType type, List<Integer> item, Content content) {
        long size = item.stream().mapToLong(Integer::longValue).reduce(1, Math::multiplyExact);
        int[] count = new int[1];
        AtomicFiles.writeAnywhere(file, channel -> {
            byte[] longest = NpyHeader.encode(type, shape(Integer.MAX_VALUE, item));
            OutputStream out = new BufferedOutputStream(Channels.newOutputStream(channel), 1 << 20);
            out.write(longest);
            NpyWriter writer = new NpyWriter(out, type);
            content.writeTo(writer);
            out.flush();
            if (writer.written % size != 0) {
                throw new IllegalStateException(writer.written + " values for items of " + size);
            }
            count[0] = Math.toIntExact(writer.written / size);
            ByteBuffer header = ByteBuffer.wrap(NpyHeader.encode(type, shape(count[0], item), longest.length));
            for (long at = 0; header.hasRemaining();) {
                at += channel.write(header, at);
            }
        });
        return count[0];
    }

    private static List<Integer> shape(int count, List<Integer> item) {
        return Stream.concat(Stream.of(count), item.stream()).toList();
    }

    /** Fails now, not after hours of work, if the disk has no room for the file. */
    private static void requireSpace(Path file, long bytes) {
        if (AtomicFiles.isStream(file)) {
            return;
        }
        Path existing = AtomicFiles.destination(file).getParent();
        while (existing != null && !Files.exists(existing)) {
            existing = existing.getParent();
        }
        if (existing == null) {
            return;
        }
        try {
            long free = Files.getFileStore(existing).getUsableSpace();
            if (bytes > free) {
                throw new FramecastException("Cannot write " + file + ": it would have " + Count.bytes(bytes)
                        + ", and the disk has " + Count.bytes(free) + " left.");
            }
        } catch (IOException e) {
            // The file system does not say; if the disk is full, writing will fail.
        }
    }

    /**
     * Appends uint8 values.
     *
     * @param values the next values in C order
     * @throws IOException if they cannot be written
     */
    public void write(byte[] values) throws IOException {
        take(NpyType.UINT8, values.length);
        out.write(values);
    }

    /**
     * Appends float32 values.
     *
     * @param values the next values in C order
     * @throws IOException if they cannot be written
     */
    public void write(float[] values) throws IOException {
        take(NpyType.FLOAT32, values.length);
        ByteBuffer bytes = ByteBuffer.allocate(Math.multiplyExact(values.length, Float.BYTES))
                .order(ByteOrder.LITTLE_ENDIAN);
        bytes.asFloatBuffer().put(values);
        out.write(bytes.array());
    }

    private void take(NpyType given, int count) {
        if (given != type) {
            throw new IllegalStateException(given + " values do not belong in an array of " + type);
        }
        written += count;
    }
}
