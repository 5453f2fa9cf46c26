package io.framecast.backend;

/**
 * More rows and columns of frames (height, width, channels). Output pixel o lies at (o + 0.5)/scale - 0.5 among the
 * input pixels. "Bilinear" interpolates between the two nearest in each direction, of which the outermost go on beyond
 * the edges; else the value is that of input pixel o/scale, rounded down.
 *
 * @param height rows of an input frame
 * @param width columns of an input frame
 * @param channels channels of a frame
 * @param scaleHeight output rows for each row
 * @param scaleWidth output columns for each column
 * @param bilinear whether values are interpolated
 */
public record UpSamplingSpec(int height, int width, int channels, int scaleHeight, int scaleWidth, boolean bilinear) {
}
