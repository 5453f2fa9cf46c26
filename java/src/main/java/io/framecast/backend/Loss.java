package io.framecast.backend;

/** A loss, as the mean over all elements. */
public enum Loss {
    /** Binary cross-entropy of sigmoid(x), computed from the logit x: max(x, 0) - x*t + log(1 + e^-|x|). */
    BINARY_CROSSENTROPY_FROM_LOGITS,
    /** Binary cross-entropy: -(t*log(p) + (1 - t)*log(1 - p)), with p clipped to [1e-7, 1 - 1e-7] as in Keras. */
    BINARY_CROSSENTROPY,
    /** Mean squared error: (y - t)^2 */
    MEAN_SQUARED_ERROR
}
