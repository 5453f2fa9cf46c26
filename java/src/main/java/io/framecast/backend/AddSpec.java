package io.framecast.backend;

/**
 * The sum of several inputs, element by element, from the first to the last.
 *
 * @param height rows of all frames
 * @param width columns of all frames
 * @param channels channels of all frames
 * @param inputs how many inputs, at least 2
 */
public record AddSpec(int height, int width, int channels, int inputs) {
}
