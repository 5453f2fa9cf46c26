package io.framecast.nn;

/**
 * A parameter of a layer, with Keras's name and layout.
 *
 * @param trainable whether the optimiser updates it; false for the moving averages of batch norm
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
