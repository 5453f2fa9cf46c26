package io.framecast.nn;

import java.util.Arrays;

/** Float32 values with a shape, row-major, in the memory of the JVM. */
public record HostTensor(int[] shape, float[] values) {

    /** The most values a tensor may have: as many as fit, as bytes, in the longest Java array. */
    public static final int MAX_SIZE = (Integer.MAX_VALUE - 8) / Float.BYTES;

    public HostTensor {
        if (values.length != size(shape)) {
            throw new IllegalArgumentException(
                    values.length + " values do not fill the shape " + Arrays.toString(shape));
        }
    }

    /** The number of values in a tensor of that shape. */
    public static int size(int[] shape) {
        int size = 1;
        for (int dimension : shape) {
            size = Math.multiplyExact(size, dimension);
        }
        return size;
    }
}
