package io.framecast.video;

/**
 * What a video is, as it is to be shown: upright, with square pixels.
 *
 * @param height of its frames, in pixels
 * @param width of its frames, in pixels
 * @param rate frames a second on average; 0: not known
 * @param grey whether its format has no colours
 */
public record VideoInfo(int height, int width, double rate, boolean grey) {
}
