package io.framecast.data;

import io.framecast.text.Count;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Optional;

/**
 * Identifies videos independently of their path and file format: their number and size, and a hash of their values. The
 * hash covers all frames if there are few, else evenly spaced ones.
 *
 * @param videos how many, training and validation together
 * @param frames frames of a video
 * @param height rows of a frame
 * @param width columns of a frame
 * @param channels channels of a frame
 * @param sha256 of the size above and of the values of the sampled frames, as big-endian float32, in hexadecimal
 */
public record Fingerprint(int videos, int frames, int height, int width, int channels, String sha256) {

    /** The most values to hash, but at least {@link #LEAST_FRAMES} frames. Reading them takes well under a second. */
    private static final int VALUES = 1 << 22;
    private static final int LEAST_FRAMES = 16;

    /**
     * The fingerprint of training and validation videos together. The place of the split does not change it.
     *
     * @param split the videos; some or all frames are read
     * @return the fingerprint
     */
    public static Fingerprint of(Split split) {
        Videos training = split.training();
        Videos validation = split.validation();
        int count = training.count() + validation.count();
        int frames = training.frames();
        MessageDigest hash = newHash();
        hash.update(ByteBuffer.allocate(5 * Integer.BYTES).putInt(count).putInt(frames).putInt(training.height())
                .putInt(training.width()).putInt(training.channels()).flip());
        long all = (long) count * frames;
        long sampled = Math.min(all, Math.max(LEAST_FRAMES, VALUES / training.frameSize()));
        for (long k = 0; k < sampled;) {
            long first = place(k, all, sampled);
            int index = (int) (first / frames);
            int from = (int) (first % frames);
            int to = from + 1;
            k++;
            // Adjacent frames are read together.
            while (k < sampled && to < frames && (long) (to - from) * training.frameSize() < VALUES
                    && place(k, all, sampled) == first + to - from) {
                to++;
                k++;
            }
            Video part = index < training.count() ? training.get(index, from, to)
                    : validation.get(index - training.count(), from, to);
            update(hash, part.values());
        }
        return new Fingerprint(count, frames, training.height(), training.width(), training.channels(),
                HexFormat.of().formatHex(hash.digest()));
    }

    private static void update(MessageDigest hash, float[] values) {
        int most = 1 << 14;
        ByteBuffer bytes = ByteBuffer.allocate(most * Float.BYTES);
        for (int from = 0; from < values.length; from += most) {
            int length = Math.min(most, values.length - from);
            bytes.clear().asFloatBuffer().put(values, from, length);
            hash.update(bytes.limit(length * Float.BYTES));
        }
    }

    /** The index of the {@code k}-th of evenly spaced samples; the first and the last frame are among them. */
    private static long place(long k, long all, long sampled) {
        return sampled == 1 ? 0 : (long) ((double) k * (all - 1) / (sampled - 1));
    }

    /**
     * How these videos differ from others, such as "9 videos, not 12"; empty if they are the same.
     *
     * @param other the fingerprint that was expected
     * @return words for a message
     */
    public Optional<String> differenceFrom(Fingerprint other) {
        if (videos != other.videos) {
            return Optional.of(Count.of(videos, "video") + ", not " + other.videos);
        }
        if (frames != other.frames) {
            return Optional.of("videos of " + frames + " frames, not " + other.frames);
        }
        if (!size().equals(other.size())) {
            return Optional.of("frames of " + size() + ", not " + other.size());
        }
        return sha256.equals(other.sha256) ? Optional.empty()
                : Optional.of("as many videos of the same size, but with other pixels");
    }

    private String size() {
        return height + "x" + width + "x" + channels;
    }

    private static MessageDigest newHash() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e); // Every JRE provides SHA-256.
        }
    }
}
