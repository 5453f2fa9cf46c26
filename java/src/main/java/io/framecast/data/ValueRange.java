package io.framecast.data;

/**
 * The values that were found in a file, as they are there.
 *
 * @param least the least of them
 * @param most the largest
 * @param outside how many of them lie a little outside the scale, and are taken for black or white
 * @param count how many were looked at
 * @param dark whether there is nothing to see between the least and the largest on the file's scale
 */
public record ValueRange(double least, double most, long outside, long count, boolean dark) {
}
