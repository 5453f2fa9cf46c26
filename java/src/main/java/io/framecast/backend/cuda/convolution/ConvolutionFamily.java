package io.framecast.backend.cuda.convolution;

import java.util.Optional;

/** An implementation of all convolutions: this project's kernels, or a vendor's library. */
@FunctionalInterface
public interface ConvolutionFamily {

    /**
     * Plans a convolution.
     *
     * @param gates whether the outputs are (filters, gates) and the gradient of the weights is in Keras's order (gates,
     *        filters)
     * @param images the most images of a call of forward or backward data
     * @param sequence the most images of a call of backward weights: for a recurrent convolution, those of all frames
     * @param training whether backward will be called
     * @throws io.framecast.FramecastException if this family cannot compute it
     */
    CudaConvolution make(ConvolutionShape shape, boolean gates, int images, int sequence, boolean training);

    /**
     * Plans the recurrent convolution of a ConvLSTM with the gates as its epilogue. Empty: this family has no such
     * kernel, and the gates are a launch of their own.
     *
     * @param shape from filters to {@code GATES * filters} channels, stride 1, same
     * @param images the most images of a call
     */
    default Optional<RecurrentStep> recurrentStep(ConvolutionShape shape, int images) {
        return Optional.empty();
    }
}
