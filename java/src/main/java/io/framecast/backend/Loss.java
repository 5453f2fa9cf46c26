package io.framecast.backend;

/** A loss, as the mean over all elements. */
public enum Loss {
    /** Of sigmoid(output), computed from the output itself: max(x, 0) - x*t + log(1 + e^-|x|). */
    BINARY_CROSSENTROPY_FROM_LOGITS,
    /** -(t*log(p) + (1 - t)*log(1 - p)), with the output p clipped to [1e-7, 1 - 1e-7] as in Keras. */
    BINARY_CROSSENTROPY,
    /** (y - t)^2 */
    MEAN_SQUARED_ERROR
}
