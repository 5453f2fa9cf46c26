package io.framecast.backend;

/**
 * A function of each value of frames (height, width, channels).
 *
 * @param height rows of a frame
 * @param width columns of a frame
 * @param channels channels of a frame
 * @param function of each value
 * @param alpha of {@link Elementwise#LEAKY_RELU} and {@link Elementwise#RESCALING}; others ignore it
 * @param beta of {@link Elementwise#RESCALING}; others ignore it
 */
public record ElementwiseSpec(int height, int width, int channels, Elementwise function, float alpha, float beta) {
}
