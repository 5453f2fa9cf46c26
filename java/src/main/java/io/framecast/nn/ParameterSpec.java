package io.framecast.nn;

/**
 * A parameter of a layer, by Keras's name and in Keras's layout.
 *
 * @param trainable whether the optimiser changes it; the moving averages of batch norm it does not
 */
public record ParameterSpec(String name, int[] shape, boolean trainable, Initializer initializer) {

    /**
     * The number of values.
     *
     * @return the product of the dimensions
     */
    public int size() {
        return HostTensor.size(shape);
    }
}
