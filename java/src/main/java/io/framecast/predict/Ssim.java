package io.framecast.predict;

import io.framecast.data.Video;
import java.util.Arrays;

/**
 * The structural similarity of two frames (Wang, Bovik, Sheikh and Simoncelli, "Image quality assessment: from error
 * visibility to structural similarity", IEEE Transactions on Image Processing 13(4), 2004), with K1 = 0.01 and
 * K2 = 0.03, averaged over all positions where the window is completely inside the frame ("valid") and then over the
 * channels. There are two windows in use:
 *
 * <ul>
 * <li>{@link #gaussian}: 11x11, sigma 1.5, as in the publication.
 * <li>{@link #uniform}: 7x7, all weights equal, with sample (co)variances, which divide by one less than the number of
 *     pixels; the default of scikit-image.
 * </ul>
 *
 * <p>If a frame's height or width is smaller than the window, the window shrinks in that direction to the largest odd
 * number of pixels that fits; sigma stays the same, and the weights are normalised again.
 */
final class Ssim {

    private static final int GAUSSIAN = 11;
    private static final double SIGMA = 1.5;
    private static final int UNIFORM = 7;
    private static final double K1 = 0.01;
    private static final double K2 = 0.03;

    private final int height;
    private final int width;
    private final double[] down;
    private final double[] across;
    /** The factor from weighted (co)variances to those of the definition. */
    private final double correction;

    // The input of the filter, and the result of its pass over rows.
    private final double[] map;
    private final double[] rows;
    // The weighted means E[x], E[y], E[x^2 + y^2] and E[xy] of each window.
    private final double[][] means;

    private Ssim(int height, int width, double[] down, double[] across, double correction) {
        this.height = height;
        this.width = width;
        this.down = down;
        this.across = across;
        this.correction = correction;
        map = new double[height * width];
        rows = new double[height * columnsOut()];
        means = new double[4][rowsOut() * columnsOut()];
    }

    static Ssim gaussian(int height, int width) {
        return new Ssim(height, width, gaussian(fitting(GAUSSIAN, height)), gaussian(fitting(GAUSSIAN, width)), 1);
    }

    static Ssim uniform(int height, int width) {
        double[] down = uniform(fitting(UNIFORM, height));
        double[] across = uniform(fitting(UNIFORM, width));
        int pixels = down.length * across.length;
        // A window of one pixel has no sample variance; its variance is 0 in any case.
        return new Ssim(height, width, down, across, pixels == 1 ? 1 : pixels / (pixels - 1.0));
    }

    /**
     * The similarity of two videos with one frame each, of this height and width.
     *
     * @param ranges data ranges: the difference between white and black in the definition's constants
     * @return the similarity for each range
     */
    double[] of(Video a, Video b, double... ranges) {
        int channels = a.channels();
        double[] similarities = new double[ranges.length];
        for (int channel = 0; channel < channels; channel++) {
            computeMeans(a.values(), b.values(), channel, channels);
            for (int k = 0; k < ranges.length; k++) {
                similarities[k] += similarity(ranges[k]) / channels;
            }
        }
        return similarities;
    }

    private void computeMeans(float[] a, float[] b, int start, int stride) {
        for (int kind = 0; kind < means.length; kind++) {
            for (int i = 0, at = start; i < map.length; i++, at += stride) {
                double x = a[at];
                double y = b[at];
                map[i] = switch (kind) {
                    case 0 -> x;
                    case 1 -> y;
                    case 2 -> x * x + y * y;
                    default -> x * y;
                };
            }
            filter(means[kind]);
        }
    }

    private double similarity(double range) {
        double c1 = K1 * range * K1 * range;
        double c2 = K2 * range * K2 * range;
        double sum = 0;
        for (int i = 0; i < means[0].length; i++) {
            double xy = means[0][i] * means[1][i];
            double squares = means[0][i] * means[0][i] + means[1][i] * means[1][i];
            double variances = correction * (means[2][i] - squares);
            double covariance = correction * (means[3][i] - xy);
            sum += (2 * xy + c1) * (2 * covariance + c2) / ((squares + c1) * (variances + c2));
        }
        return sum / means[0].length;
    }

    /**
     * The windows are separable: they are applied to rows, then to columns. The loop over the weights is outside
     * the loop over pixels, so that the compiler vectorises the latter.
     */
    private void filter(double[] out) {
        int columns = columnsOut();
        Arrays.fill(rows, 0);
        for (int y = 0; y < height; y++) {
            for (int k = 0; k < across.length; k++) {
                addScaled(map, y * width + k, across[k], rows, y * columns, columns);
            }
        }
        Arrays.fill(out, 0);
        for (int y = 0; y < rowsOut(); y++) {
            for (int k = 0; k < down.length; k++) {
                addScaled(rows, (y + k) * columns, down[k], out, y * columns, columns);
            }
        }
    }

    private static void addScaled(double[] from, int at, double weight, double[] to, int start, int count) {
        for (int x = 0; x < count; x++) {
            to[start + x] += weight * from[at + x];
        }
    }

    private int rowsOut() {
        return height - down.length + 1;
    }

    private int columnsOut() {
        return width - across.length + 1;
    }

    private static int fitting(int window, int size) {
        return Math.min(window, size % 2 == 1 ? size : size - 1);
    }

    private static double[] uniform(int length) {
        double[] weights = new double[length];
        Arrays.fill(weights, 1.0 / length);
        return weights;
    }

    private static double[] gaussian(int length) {
        double[] weights = new double[length];
        double sum = 0;
        for (int i = 0; i < length; i++) {
            double distance = i - length / 2;
            weights[i] = Math.exp(-distance * distance / (2 * SIGMA * SIGMA));
            sum += weights[i];
        }
        for (int i = 0; i < length; i++) {
            weights[i] /= sum;
        }
        return weights;
    }
}
