package io.framecast.tools.render;

import io.framecast.data.Video;
import java.util.Arrays;

/**
 * The size at which the frames of a video are drawn. Small frames are enlarged by an integer factor, each pixel as a
 * square; large frames are reduced by averaging.
 *
 * @param width  in pixels of the picture
 * @param height in pixels of the picture
 */
record FrameSize(int width, int height) {

    /**
     * @param target small frames are enlarged while no side is longer than this
     * @param most   larger frames are reduced until no side is longer than this
     */
    static FrameSize of(int height, int width, int target, int most) {
        int side = Math.max(height, width);
        if (side > most) {
            return new FrameSize(reduced(width, side, most), reduced(height, side, most));
        }
        int factor = Math.max(1, Math.min(target, most) / side);
        return new FrameSize(width * factor, height * factor);
    }

    private static int reduced(int length, int side, int most) {
        return Math.max(1, (int) Math.round((double) length * most / side));
    }

    /** Whether frames of this size are reduced. */
    boolean reduces(int videoHeight, int videoWidth) {
        return height < videoHeight || width < videoWidth;
    }

    /** Reduces a video of one frame to this size; returns the same video if it is not larger. */
    Video reduce(Video frame) {
        if (!reduces(frame.height(), frame.width())) {
            return frame;
        }
        int channels = frame.channels();
        float[] rows = means(frame.values(), 1, frame.height(), frame.width() * channels, height);
        return new Video(1, height, width, channels, means(rows, height, frame.width(), channels, width));
    }

    /** From (outer, length, inner) to (outer, shorter, inner): the means over equal parts of the middle axis. */
    private static float[] means(float[] values, int outer, int length, int inner, int shorter) {
        float[] means = new float[Math.multiplyExact(Math.multiplyExact(outer, shorter), inner)];
        double share = (double) length / shorter;
        double[] sums = new double[inner];
        for (int o = 0; o < outer; o++) {
            for (int s = 0; s < shorter; s++) {
                Arrays.fill(sums, 0);
                double from = s * share;
                double to = Math.min(length, from + share);
                for (int k = (int) from; k < to; k++) {
                    double weight = (Math.min(k + 1, to) - Math.max(k, from)) / share;
                    for (int i = 0; i < inner; i++) {
                        sums[i] += weight * values[(o * length + k) * inner + i];
                    }
                }
                for (int i = 0; i < inner; i++) {
                    means[(o * shorter + s) * inner + i] = (float) sums[i];
                }
            }
        }
        return means;
    }
}
