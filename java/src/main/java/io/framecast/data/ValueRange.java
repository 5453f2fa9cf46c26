package io.framecast.data;

/**
 * The range of the values in a file, before scaling.
 *
 * @param least the smallest value
 * @param most the largest value
 * @param outside how many are up to 5% outside the scale, and are clamped to black or white
 * @param count how many values were checked
 * @param dark whether values of this range all look black on the file's scale
 */
public record ValueRange(double least, double most, long outside, long count, boolean dark) {
}
