package io.framecast.backend;

/**
 * Batch normalisation over frames, batch, height and width, per channel, with Keras's epsilon and momentum.
 *
 * @param height rows of an input frame
 * @param width columns of an input frame
 * @param channels channels of an input frame
 * @param epsilon is added to the variance
 * @param momentum weight of the old value in a moving average
 */
public record BatchNormSpec(int height, int width, int channels, double epsilon, double momentum) {
}
