package io.framecast.data;

import io.framecast.data.NpyArray.Axis;
import java.util.ArrayList;
import java.util.List;

/**
 * The axes of an array, inferred from its shape and from some of its values.
 *
 * <p>An axis of length 1, 3 or 4 that is the first or the last of an image's axes is taken as channels. Time is the
 * axis along which images change less than along the other. By default arrays are {@code (N, T, H, W)} or {@code (N, T,
 * H, W, C)}; {@code (20, N, 64, 64)} with N above 20 is the official Moving MNIST, frames first.
 *
 * @param layout the inferred layout
 * @param other the next likely layout; null if there was no real choice
 * @param reason why {@code layout} was chosen over {@code other}; null if that is null
 */
public record LayoutGuess(VideoLayout layout, VideoLayout other, String reason) {

    private static final int OFFICIAL_FRAMES = 20;
    private static final int OFFICIAL_SIZE = 64;

    /** The axes of an image are longer than this; a shorter axis may be channels. */
    static final int MOST_CHANNELS = 4;

    /** The number of places where an image is compared with up to three others. */
    private static final int PROBES = 120;

    /** If fewer image pairs differ than this (for example, all videos but one are black), there is no evidence. */
    private static final int FEWEST = 5;

    /** About how many rows and columns of an image are sampled. */
    private static final int PROBED_SIZE = 64;

    /**
     * The difference along time must be below this fraction of the difference along videos, so that chance does not
     * decide. In Moving MNIST the ratio is 0.7.
     */
    private static final double CLEARLY = 0.85;

    private static LayoutGuess plain(String axes) {
        return new LayoutGuess(new VideoLayout(axes), null, null);
    }

    private static LayoutGuess chosen(String axes, String other, String reason) {
        return new LayoutGuess(new VideoLayout(axes), new VideoLayout(other), reason);
    }

    /** Infers the layout of an array of 4 or 5 axes. */
    static LayoutGuess of(NpyArray array) {
        List<Long> shape = array.shape();
        return shape.size() == 4 ? ofFour(array, shape) : ofFive(array, shape);
    }

    private static LayoutGuess ofFour(NpyArray array, List<Long> shape) {
        if (isChannels(shape.get(3)) && isImage(shape.get(1), shape.get(2))) {
            return chosen("thwc", "nthw", "its last axis has the length of channels");
        }
        if (isChannels(shape.get(1)) && isImage(shape.get(2), shape.get(3)) && !isOfficial(shape, "hw")) {
            // Few frames, or channels? In one video every image is similar to the one before it, and different from a
            // distant one.
            double[] changes = changes(array, 0, 1);
            if (shape.get(1) == 1 ? changes[0] > 0 : changes[0] < CLEARLY * changes[2]) {
                return chosen("tchw", "nthw", "its second axis has the length of channels, and images that follow one"
                        + " another along the first are alike");
            }
        }
        if (isChannels(shape.get(0)) && shape.get(0) > 1 && shape.get(1) > shape.get(0)
                && isImage(shape.get(2), shape.get(3))) {
            // The channels of one clip, or a few videos? Channels of one frame are more similar than consecutive
            // frames.
            double[] changes = changes(array, 0, 1);
            boolean colours = isTime(changes[0], changes[1]);
            return chosen(colours ? "cthw" : "nthw", colours ? "nthw" : "cthw", "its first axis has the length of "
                    + "channels, and images " + (colours ? "change less" : "do not change less") + " along it");
        }
        return framesOrVideosFirst(array, shape, "hw", null);
    }

    private static LayoutGuess ofFive(NpyArray array, List<Long> shape) {
        if (shape.get(4) <= MOST_CHANNELS) {
            return framesOrVideosFirst(array, shape, "hwc", null);
        }
        if (isChannels(shape.get(2))) {
            return framesOrVideosFirst(array, shape, "chw", "its third axis has the length of channels");
        }
        if (isChannels(shape.get(1))) {
            return chosen("ncthw", "nthwc", "its second axis has the length of channels");
        }
        return framesOrVideosFirst(array, shape, "hwc", "no axis of its images has the length of channels");
    }

    private static boolean isChannels(long length) {
        return length == 1 || length == 3 || length == MOST_CHANNELS;
    }

    private static boolean isImage(long height, long width) {
        return height > MOST_CHANNELS && width > MOST_CHANNELS;
    }

    /** Whether the first axis has the length, and images the size, of the official file. */
    private static boolean isOfficial(List<Long> shape, String image) {
        return shape.get(0) == OFFICIAL_FRAMES && shape.get(2 + image.indexOf('h')) == OFFICIAL_SIZE
                && shape.get(2 + image.indexOf('w')) == OFFICIAL_SIZE;
    }

    /** @param reason why these are the axes of images, if others are possible */
    private static LayoutGuess framesOrVideosFirst(NpyArray array, List<Long> shape, String image, String reason) {
        String videosFirst = "nt" + image;
        String framesFirst = "tn" + image;
        boolean official = isOfficial(shape, image) && (shape.get(1) > OFFICIAL_FRAMES || shape.get(1) == 1);
        double[] changes = changes(array, 0, 1);
        String likely = official ? framesFirst : videosFirst;
        if (shape.get(1) > 1 && (official ? isTime(changes[1], changes[0]) : isTime(changes[0], changes[1]))) {
            String other = likely;
            likely = official ? videosFirst : framesFirst;
            String axis = official ? "second" : "first";
            return chosen(likely, other, (reason == null ? "" : reason + ", and ") + "images change less along the "
                    + axis + " axis");
        }
        return reason == null ? plain(likely) : chosen(likely,
                image.equals("chw") ? "nthwc" : isChannels(shape.get(0)) ? "cnthw" : "ntchw", reason);
    }

    /**
     * Mean absolute differences of images: adjacent along axis {@code a}, adjacent along axis {@code b}, and half the
     * length of axis {@code a} apart. 0 if an axis is too short, or too few images differ.
     */
    private static double[] changes(NpyArray array, int a, int b) {
        int lengthA = array.shape().get(a).intValue();
        int lengthB = array.shape().get(b).intValue();
        List<Axis> image = new ArrayList<>();
        int size = 1;
        for (int axis = 0; axis < array.shape().size(); axis++) {
            if (axis != a && axis != b) {
                int length = array.shape().get(axis).intValue();
                int step = (length + PROBED_SIZE - 1) / PROBED_SIZE;
                int probed = (length + step - 1) / step;
                image.add(new Axis(probed, array.stride(axis) * step, size));
                size *= probed;
            }
        }
        double[] sums = new double[3];
        int[] counts = new int[3];
        int[] differing = new int[3];
        int probes = (int) Math.min(PROBES, (long) lengthA * lengthB);
        float[] here = new float[size];
        float[] there = new float[size];
        for (int k = 0; k < probes; k++) {
            // Spread evenly over both axes: multiples of two irrational numbers, modulo 1.
            int i = (int) (fraction(k * 0.7548776662466927) * lengthA);
            int j = (int) (fraction(k * 0.5698402909980532) * lengthB);
            array.read(i * array.stride(a) + j * array.stride(b), image, here);
            int nextI = i + 1 < lengthA ? i + 1 : i - 1;
            int nextJ = j + 1 < lengthB ? j + 1 : j - 1;
            int farI = lengthA > 3 ? (i + (lengthA + 1) / 2) % lengthA : -1;
            int[][] others = {{nextI, j}, {i, nextJ}, {farI, j}};
            for (int m = 0; m < others.length; m++) {
                if (others[m][0] >= 0 && others[m][1] >= 0) {
                    array.read(others[m][0] * array.stride(a) + others[m][1] * array.stride(b), image, there);
                    double difference = difference(here, there);
                    sums[m] += difference;
                    counts[m]++;
                    differing[m] += difference > 0 ? 1 : 0;
                }
            }
        }
        for (int m = 0; m < sums.length; m++) {
            sums[m] = differing[m] < FEWEST ? 0 : sums[m] / counts[m];
        }
        return sums;
    }

    /**
     * Whether the first axis is time and the second is not. If nothing changes along an axis, that is no evidence for
     * time.
     */
    private static boolean isTime(double changes, double others) {
        return changes > 0 && changes < CLEARLY * others;
    }

    private static double fraction(double value) {
        return value - Math.floor(value);
    }

    private static double difference(float[] a, float[] b) {
        double sum = 0;
        for (int i = 0; i < a.length; i++) {
            float difference = Math.abs(a[i] - b[i]);
            sum += difference <= Float.MAX_VALUE ? difference : 0; // NaN is checked elsewhere.
        }
        return sum / a.length;
    }
}
