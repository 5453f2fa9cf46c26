package io.framecast.nn;

import java.util.Arrays;

/**
 * Float32 values with a shape, row-major, in the memory of the JVM.
 *
 * @param shape sizes of the axes; empty for a scalar
 * @param values as many as the product of the sizes
 */
public record HostTensor(int[] shape, float[] values) {

    /** The most values a tensor may have: their bytes must fit the longest Java array. */
    public static final int MAX_SIZE = (Integer.MAX_VALUE - 8) / Float.BYTES;

    /**
     * Checks the number of values.
     *
     * @param shape the dimensions
     * @param values row-major; not copied
     * @throws IllegalArgumentException if the number of values is not the product of the dimensions
     */
    public HostTensor {
        if (values.length != size(shape)) {
            throw new IllegalArgumentException(
                    values.length + " values do not fill the shape " + Arrays.toString(shape));
        }
    }

    /**
     * The number of values in a tensor of that shape.
     *
     * @param shape the dimensions
     * @return the product of the dimensions
     */
    public static int size(int[] shape) {
        int size = 1;
        for (int dimension : shape) {
            size = Math.multiplyExact(size, dimension);
        }
        return size;
    }
}
