package io.framecast.nn;

import io.framecast.backend.ConvLstmSpec;
import java.util.Arrays;
import java.util.Random;

/** How a parameter is initialised, as in Keras. */
@FunctionalInterface
public interface Initializer {

    /**
     * Initial values for a parameter. They depend on {@code random} alone, whose algorithm the Java specification
     * fixes.
     *
     * @param shape the parameter's dimensions
     * @param random the source of random numbers
     * @return the values, row-major
     */
    float[] values(int[] shape, Random random);

    /** All 0. */
    Initializer ZEROS = (shape, random) -> new float[HostTensor.size(shape)];

    /** All 1. */
    Initializer ONES = (shape, random) -> {
        float[] values = new float[HostTensor.size(shape)];
        Arrays.fill(values, 1);
        return values;
    };

    /** The bias of an LSTM: 1 for the forget gate (the second of four blocks), else 0 (Jozefowicz et al. 2015). */
    Initializer FORGET_BIAS = (shape, random) -> {
        float[] values = new float[HostTensor.size(shape)];
        int block = values.length / ConvLstmSpec.GATES;
        Arrays.fill(values, block, 2 * block, 1);
        return values;
    };

    /**
     * Uniform in ±sqrt(6/(fan_in + fan_out)), where both fans count the receptive field (Glorot and Bengio 2010). The
     * last two axes are in and out.
     */
    Initializer GLOROT_UNIFORM = (shape, random) -> {
        int rank = shape.length;
        double field = 1;
        for (int axis = 0; axis < rank - 2; axis++) {
            field *= shape[axis];
        }
        double limit = Math.sqrt(6 / (field * (shape[rank - 2] + shape[rank - 1])));
        float[] values = new float[HostTensor.size(shape)];
        for (int k = 0; k < values.length; k++) {
            values[k] = (float) ((2 * random.nextDouble() - 1) * limit);
        }
        return values;
    };

    /**
     * Q of the QR decomposition of a matrix of normal random values, with a positive diagonal of R: uniform among the
     * matrices with orthonormal columns (Saxe et al. 2014). The last axis gives the columns, all others the rows. If
     * there are more columns than rows, the rows are orthonormal instead.
     */
    Initializer ORTHOGONAL = (shape, random) -> {
        int columns = shape[shape.length - 1];
        int rows = HostTensor.size(shape) / columns;
        int vectors = Math.min(rows, columns);
        int length = Math.max(rows, columns);
        double[][] q = new double[vectors][length];
        for (double[] vector : q) {
            for (int k = 0; k < length; k++) {
                vector[k] = random.nextGaussian();
            }
        }
        orthonormalise(q);
        float[] values = new float[rows * columns];
        for (int row = 0; row < rows; row++) {
            for (int column = 0; column < columns; column++) {
                values[row * columns + column] = (float) (rows >= columns ? q[column][row] : q[row][column]);
            }
        }
        return values;
    };

    /** Gram-Schmidt, applied twice to each vector: orthogonal up to rounding errors (Giraud et al. 2005). */
    private static void orthonormalise(double[][] vectors) {
        for (int v = 0; v < vectors.length; v++) {
            double[] vector = vectors[v];
            for (int pass = 0; pass < 2; pass++) {
                for (int u = 0; u < v; u++) {
                    double dot = dot(vectors[u], vector);
                    for (int k = 0; k < vector.length; k++) {
                        vector[k] -= dot * vectors[u][k];
                    }
                }
            }
            double norm = Math.sqrt(dot(vector, vector));
            for (int k = 0; k < vector.length; k++) {
                vector[k] /= norm;
            }
        }
    }

    private static double dot(double[] a, double[] b) {
        double sum = 0;
        for (int k = 0; k < a.length; k++) {
            sum += a[k] * b[k];
        }
        return sum;
    }
}
