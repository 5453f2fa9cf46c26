package io.framecast.backend;

/**
 * The maximal sizes of an op, and what it must compute.
 *
 * @param frames the maximal number of frames in one call
 * @param batch the maximal number of videos in one call
 * @param training whether forward keeps what {@link Op#backward} needs
 * @param inputGradient whether backward must return the gradient of the input; not needed for the first layer
 */
public record Plan(int frames, int batch, boolean training, boolean inputGradient) {
}
