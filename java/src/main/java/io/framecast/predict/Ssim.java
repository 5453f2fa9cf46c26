package io.framecast.predict;

import io.framecast.data.Video;
import java.util.Arrays;

/**
 * The structural similarity of two frames (Wang, Bovik, Sheikh and Simoncelli, "Image quality assessment: from error
 * visibility to structural similarity", IEEE Transactions on Image Processing 13(4), 2004): an 11x11 Gaussian window of
 * sigma 1.5, K1 = 0.01, K2 = 0.03, data range 1, averaged over all positions where the window is completely inside the
 * frame ("valid") and then over the channels.
 *
 * <p>If a frame's height or width is below 11 pixels, the window shrinks in that direction to the largest odd number of
 * pixels that fits; sigma stays the same, and the weights are normalised again.
 */
final class Ssim {

    private static final int WINDOW = 11;
    private static final double SIGMA = 1.5;
    private static final double C1 = 0.01 * 0.01;
    private static final double C2 = 0.03 * 0.03;

    private final int height;
    private final int width;
    private final double[] down;
    private final double[] across;

    // The input of the filter, and the result of its pass over rows.
    private final double[] map;
    private final double[] rows;
    // The weighted means E[x], E[y], E[x^2 + y^2] and E[xy] of each window.
    private final double[][] means;

    Ssim(int height, int width) {
        this.height = height;
        this.width = width;
        down = gaussian(height);
        across = gaussian(width);
        map = new double[height * width];
        rows = new double[height * columnsOut()];
        means = new double[4][rowsOut() * columnsOut()];
    }

    /** The similarity of two videos with one frame each, of this height and width. */
    double of(Video a, Video b) {
        int channels = a.channels();
        double sum = 0;
        for (int channel = 0; channel < channels; channel++) {
            sum += ofChannel(a.values(), b.values(), channel, channels);
        }
        return sum / channels;
    }

    private double ofChannel(float[] a, float[] b, int start, int stride) {
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
        double sum = 0;
        for (int i = 0; i < means[0].length; i++) {
            double xy = means[0][i] * means[1][i];
            double squares = means[0][i] * means[0][i] + means[1][i] * means[1][i];
            double variances = means[2][i] - squares;
            double covariance = means[3][i] - xy;
            sum += (2 * xy + C1) * (2 * covariance + C2) / ((squares + C1) * (variances + C2));
        }
        return sum / means[0].length;
    }

    /**
     * The Gaussian window is separable: it is applied to rows, then to columns. The loop over the weights is outside
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

    private static double[] gaussian(int size) {
        int length = Math.min(WINDOW, size % 2 == 1 ? size : size - 1);
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
