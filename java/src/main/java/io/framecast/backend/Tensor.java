package io.framecast.backend;

/**
 * A row of float32 values in the memory of a device. Whoever made it closes it; a {@link #slice} is a view, and
 * closing it frees nothing.
 */
public interface Tensor extends AutoCloseable {

    /** The number of values. */
    long size();

    /** Copies {@code count} values from the host, {@code source[from..]}, to this tensor from {@code offset} on. */
    void write(long offset, float[] source, int from, int count);

    /** Copies {@code count} values of this tensor from {@code offset} on to the host, {@code target[to..]}. */
    void read(long offset, float[] target, int to, int count);

    /** Copies {@code count} values to another tensor of the same device. The ranges must not overlap. */
    void copyTo(long offset, Tensor target, long to, long count);

    /** The values {@code from} to {@code from + size}, as a view. */
    Tensor slice(long from, long size);

    @Override
    void close();

    default void write(float[] source) {
        write(0, source, 0, source.length);
    }

    default float[] read() {
        float[] values = new float[Math.toIntExact(size())];
        read(0, values, 0, values.length);
        return values;
    }
}
