package io.framecast.backend;

/**
 * Layer normalisation over the channels of each pixel, with the biased variance.
 *
 * @param height rows of a frame
 * @param width columns of a frame
 * @param channels channels of a frame
 * @param epsilon is added to the variance
 */
public record LayerNormSpec(int height, int width, int channels, double epsilon) {
}
