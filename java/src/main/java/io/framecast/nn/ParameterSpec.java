package io.framecast.nn;

/**
 * A parameter of a layer, with Keras's name and layout.
 *
 * @param name such as "recurrent_kernel"
 * @param shape sizes of the axes
 * @param trainable whether the optimiser updates it; false for the moving averages of batch norm
 * @param initializer of its initial values
 * @param matrices how many matrices it is, side by side along the last axis, as the gates of a ConvLSTM are; the other
 *     axes are the rows. 0: it is no matrix, as a bias is not
 */
public record ParameterSpec(String name, int[] shape, boolean trainable, Initializer initializer, int matrices) {

    /**
     * The number of values.
     *
     * @return the product of the dimensions
     */
    public int size() {
        return HostTensor.size(shape);
    }
}
