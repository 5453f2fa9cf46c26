package io.framecast.backend;

/**
 * A contiguous buffer of float32 values in the memory of a device. Its creator closes it. A {@link #slice} is a view:
 * closing it frees nothing.
 */
public interface Tensor extends AutoCloseable {

    /**
     * The number of values.
     *
     * @return values, not bytes
     */
    long size();

    /**
     * Copies {@code count} values from the host, {@code source[from..]}, to this tensor from {@code offset} on.
     *
     * @param offset where they begin in this tensor
     * @param source the array
     * @param from where they begin in {@code source}
     * @param count how many values
     */
    void write(long offset, float[] source, int from, int count);

    /**
     * Copies {@code count} values of this tensor from {@code offset} on to the host, {@code target[to..]}.
     *
     * @param offset where they begin in this tensor
     * @param target the array
     * @param to where they begin in {@code target}
     * @param count how many values
     */
    void read(long offset, float[] target, int to, int count);

    /**
     * Copies {@code count} values to another tensor of the same device. The ranges must not overlap.
     *
     * @param offset where they begin in this tensor
     * @param target the other tensor
     * @param to where they begin in {@code target}
     * @param count how many values
     * @throws IllegalArgumentException if they overlap, or {@code target} is of another backend
     */
    void copyTo(long offset, Tensor target, long to, long count);

    /**
     * A view of {@code size} values from {@code from} on.
     *
     * @param from the first value
     * @param size how many values
     * @return the view, which needs no closing
     */
    Tensor slice(long from, long size);

    @Override
    void close();

    /**
     * Copies a whole array to the beginning of this tensor.
     *
     * @param source the array
     */
    default void write(float[] source) {
        write(0, source, 0, source.length);
    }

    /**
     * Copies the whole tensor to the host.
     *
     * @return a new array of all values
     */
    default float[] read() {
        float[] values = new float[Math.toIntExact(size())];
        read(0, values, 0, values.length);
        return values;
    }
}
