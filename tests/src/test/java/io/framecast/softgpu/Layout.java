package io.framecast.softgpu;

import java.util.Arrays;

/** Where the elements of a tensor are: its sizes and, in elements, its strides. */
record Layout(int[] dims, int[] strides) {

    /** Packed, the last axis fastest. */
    static Layout channelsFirst(int... dims) {
        int[] order = new int[dims.length];
        Arrays.setAll(order, i -> i);
        return packed(dims, order, 0);
    }

    /** Packed, axis 1 fastest. */
    static Layout channelsLast(int... dims) {
        int[] order = new int[dims.length];
        Arrays.setAll(order, i -> i == 0 ? 0 : i == dims.length - 1 ? 1 : i + 1);
        return packed(dims, order, 0);
    }

    /** Axes in the order 1, 0, 2..., with a gap after each axis. */
    static Layout withGaps(int... dims) {
        int[] order = new int[dims.length];
        Arrays.setAll(order, i -> i < 2 ? 1 - i : i);
        return packed(dims, order, 1);
    }

    private static Layout packed(int[] dims, int[] order, int gap) {
        int[] strides = new int[dims.length];
        int stride = gap + 1;
        for (int i = order.length - 1; i >= 0; i--) {
            strides[order[i]] = stride;
            stride = stride * dims[order[i]] + gap;
        }
        return new Layout(dims, strides);
    }

    int count() {
        return Arrays.stream(dims).reduce(1, (a, b) -> a * b);
    }

    /** The number of elements up to the last one, including gaps. */
    int extent() {
        int last = 0;
        for (int i = 0; i < dims.length; i++) {
            last += (dims[i] - 1) * strides[i];
        }
        return last + 1;
    }

    /** Places values, given in index order, at their positions, with {@code gap} everywhere else. */
    double[] place(double[] values, double gap) {
        double[] placed = new double[extent()];
        Arrays.fill(placed, gap);
        for (int i = 0; i < values.length; i++) {
            placed[offset(i)] = values[i];
        }
        return placed;
    }

    /** The inverse of {@link #place}. */
    double[] take(double[] placed) {
        double[] values = new double[count()];
        Arrays.setAll(values, i -> placed[offset(i)]);
        return values;
    }

    /** The offset of the element with this index, where the last axis is fastest. */
    private int offset(int index) {
        int offset = 0;
        for (int i = dims.length - 1; i >= 0; i--) {
            offset += index % dims[i] * strides[i];
            index /= dims[i];
        }
        return offset;
    }
}
