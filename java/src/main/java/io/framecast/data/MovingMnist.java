package io.framecast.data;

import io.framecast.FramecastException;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Random;

/**
 * Moving MNIST: two handwritten digits that move over a black canvas of 64x64 and bounce off its walls, made as
 * in N. Srivastava, E. Mansimov and R. Salakhutdinov, "Unsupervised Learning of Video Representations using
 * LSTMs" (2015).
 *
 * <p>Videos are computed when asked for. Each depends on the seed, the pool of digits and its index alone, so
 * they are the same in any order, on any number of threads and on every JDK.
 *
 * <p>Which digits a video may show is one fixed rule, whatever the seed and the number of videos: of n digits the first
 * 8/10 are for {@link #training}, the next tenth for {@link #validation} and the last tenth for {@link #test}. Of the
 * bundled digits these are 0 to 7,999, 8,000 to 8,999 and 9,000 to 9,999.
 */
public final class MovingMnist implements Videos {

    /** Height and width of the canvas, in pixels. */
    public static final int SIZE = 64;

    /** The frames of the videos made by {@link #training}, {@link #validation} and {@link #test}. */
    public static final int FRAMES = 20;

    /** With fewer digits, training, validation or test would have none. */
    private static final int LEAST_DIGITS = 10;

    private static final int DIGITS_PER_VIDEO = 2;

    /** The pixels that the top left corner of a digit can move, in either direction. */
    private static final int FREE_RANGE = SIZE - MnistDigits.SIZE;

    /** The length of one frame's movement, as a fraction of the free range. */
    private static final double STEP = 0.1;

    private final MnistDigits digits;
    private final int firstDigit;
    private final int lastDigit;
    private final int count;
    private final int frames;
    private final long seed;
    private final boolean fresh;

    /**
     * Videos drawn from a range of the digits.
     *
     * @param digits the images to draw
     * @param firstDigit the first digit to draw from
     * @param lastDigit the digit after the last one to draw from
     * @param count how many videos
     * @param frames the frames of each video, at least 2
     * @param seed other seeds give other videos
     * @throws FramecastException if there are no videos, fewer than two frames or no digits to draw from
     */
    public MovingMnist(MnistDigits digits, int firstDigit, int lastDigit, int count, int frames, long seed) {
        this(digits, firstDigit, lastDigit, count, frames, seed, false);
    }

    private MovingMnist(MnistDigits digits, int firstDigit, int lastDigit, int count, int frames, long seed,
            boolean fresh) {
        if (count < 1) {
            throw new FramecastException("Cannot generate " + count + " videos; ask for at least 1.");
        }
        if (frames < 2) {
            throw new FramecastException("Cannot generate videos of " + frames + " frames; ask for at least 2.");
        }
        if (frames > Integer.MAX_VALUE / (SIZE * SIZE)) {
            throw new FramecastException("Cannot generate videos of " + frames + " frames; ask for at most "
                    + Integer.MAX_VALUE / (SIZE * SIZE) + ".");
        }
        if (firstDigit < 0 || firstDigit >= lastDigit || lastDigit > digits.count()) {
            throw new FramecastException("Cannot draw from the digits " + firstDigit + " to " + lastDigit
                    + " (exclusive) of " + digits.count() + ".");
        }
        this.digits = digits;
        this.firstDigit = firstDigit;
        this.lastDigit = lastDigit;
        this.count = count;
        this.frames = frames;
        this.seed = seed;
        this.fresh = fresh;
    }

    /**
     * Videos of the bundled digits that are for training.
     *
     * @param count how many videos
     * @param seed other seeds give other videos
     * @return videos of {@link #FRAMES} frames
     */
    public static MovingMnist training(int count, long seed) {
        return training(MnistDigits.bundled(), count, seed);
    }

    /**
     * Videos of the digits that are for training.
     *
     * @param digits the images, at least ten
     * @param count how many videos
     * @param seed other seeds give other videos
     * @return videos of {@link #FRAMES} frames
     */
    public static MovingMnist training(MnistDigits digits, int count, long seed) {
        return of(digits, 0, 8, count, seed);
    }

    /**
     * Videos of the digits that are for validation during a training: it learns nothing from them, but may choose its
     * best epoch by them.
     *
     * @param digits the images, at least ten
     * @param count how many videos
     * @param seed other seeds give other videos
     * @return videos of {@link #FRAMES} frames
     */
    public static MovingMnist validation(MnistDigits digits, int count, long seed) {
        return of(digits, 8, 9, count, seed);
    }

    /**
     * Videos of the digits that no video for training or validation shows.
     *
     * @param digits the images, at least ten
     * @param count how many videos
     * @param seed other seeds give other videos
     * @return videos of {@link #FRAMES} frames
     */
    public static MovingMnist test(MnistDigits digits, int count, long seed) {
        return of(digits, 9, 10, count, seed);
    }

    /** Videos of a range of the digits, given in tenths. */
    private static MovingMnist of(MnistDigits digits, int from, int to, int count, long seed) {
        if (digits.count() < LEAST_DIGITS) {
            throw new FramecastException("There are " + digits.count() + " digits; at least " + LEAST_DIGITS
                    + " are needed, as training, validation and test show different ones.");
        }
        return new MovingMnist(digits, tenths(digits, from), tenths(digits, to), count, FRAMES, seed);
    }

    private static int tenths(MnistDigits digits, int tenths) {
        return (int) ((long) digits.count() * tenths / 10);
    }

    /**
     * These videos for the first epoch of a training, and for every other epoch new ones, made from the seed, the epoch
     * and the index.
     *
     * @return videos whose {@link #ofEpoch} differ
     */
    public MovingMnist fresh() {
        return new MovingMnist(digits, firstDigit, lastDigit, count, frames, seed, true);
    }

    @Override
    public Videos ofEpoch(int epoch) {
        return fresh && epoch > 0
                ? new MovingMnist(digits, firstDigit, lastDigit, count, frames, Seeds.mix(seed, epoch)) : this;
    }

    @Override
    public int count() {
        return count;
    }

    @Override
    public int frames() {
        return frames;
    }

    @Override
    public int height() {
        return SIZE;
    }

    @Override
    public int width() {
        return SIZE;
    }

    @Override
    public int channels() {
        return 1;
    }

    @Override
    public Video get(int index) {
        return get(index, 0, frames);
    }

    @Override
    public Video get(int index, int from, int to) {
        float[] values = new float[(to - from) * SIZE * SIZE];
        read(index, from, to, values, 0, SIZE * SIZE);
        return new Video(to - from, SIZE, SIZE, 1, values);
    }

    @Override
    public void read(int index, int from, int to, float[] target, int offset, int frameStride) {
        byte[] bytes = bytes(index, from, to);
        for (int t = 0; t < to - from; t++) {
            for (int i = 0; i < SIZE * SIZE; i++) {
                target[offset + t * frameStride + i] = (bytes[t * SIZE * SIZE + i] & 0xff) / 255f;
            }
        }
    }

    /**
     * Computes video {@code index} as (frames, 64, 64) uint8.
     *
     * @param index the video, from 0
     * @return the pixels, row-major; 0 is black, 255 is white
     */
    public byte[] bytes(int index) {
        return bytes(index, 0, frames);
    }

    private byte[] bytes(int index, int from, int to) {
        Objects.checkFromToIndex(from, to, frames);
        byte[] pixels = new byte[(to - from) * SIZE * SIZE];
        for (Sprite sprite : sprites(index)) {
            for (int frame = from; frame < to; frame++) {
                draw(sprite, frame, pixels, (frame - from) * SIZE * SIZE);
            }
        }
        return pixels;
    }

    /**
     * Writes these videos, one part after the other, in the layout of the official file, (frames, count, 64, 64) uint8.
     *
     * @param file replaced if it exists
     * @param parts of the same number of frames
     * @throws FramecastException if the file cannot be written
     */
    public static void write(Path file, List<MovingMnist> parts) {
        int frames = parts.get(0).frames;
        int count = parts.stream().mapToInt(MovingMnist::count).sum();
        NpyWriter.write(file, NpyType.UINT8, List.of(frames, count, SIZE, SIZE), out -> {
            for (int frame = 0; frame < frames; frame++) {
                for (MovingMnist part : parts) {
                    for (int index = 0; index < part.count; index++) {
                        byte[] pixels = new byte[SIZE * SIZE];
                        for (Sprite sprite : part.sprites(index)) {
                            part.draw(sprite, frame, pixels, 0);
                        }
                        out.write(pixels);
                    }
                }
            }
        });
    }

    /** A digit and the whole pixels (top, left) of its corner in every frame. */
    private record Sprite(int digit, int[] top, int[] left) {
    }

    private Sprite[] sprites(int index) {
        Objects.checkIndex(index, count);
        Random random = new Random(Seeds.mix(seed, firstDigit, lastDigit, index));
        Sprite[] sprites = new Sprite[DIGITS_PER_VIDEO];
        for (int i = 0; i < sprites.length; i++) {
            int digit = firstDigit + random.nextInt(lastDigit - firstDigit);
            double y = random.nextDouble();
            double x = random.nextDouble();
            double angle = 2 * Math.PI * random.nextDouble();
            // StrictMath, because Math may differ in the last bit from one processor to the next.
            sprites[i] = new Sprite(digit, path(y, STEP * StrictMath.sin(angle)),
                    path(x, STEP * StrictMath.cos(angle)));
        }
        return sprites;
    }

    /**
     * One coordinate of a digit over the frames, in whole pixels. {@code position} and {@code velocity} are
     * fractions of the free range. As in the original, a step comes before the first frame, and a step through
     * a wall ends on the wall: the remainder is not reflected.
     */
    private int[] path(double position, double velocity) {
        int[] pixels = new int[frames];
        for (int frame = 0; frame < frames; frame++) {
            position += velocity;
            if (position <= 0 || position >= 1) {
                position = position <= 0 ? 0 : 1;
                velocity = -velocity;
            }
            pixels[frame] = (int) (FREE_RANGE * position);
        }
        return pixels;
    }

    /** Draws one frame of a digit into the canvas at {@code offset}; where digits overlap the brighter one shows. */
    private void draw(Sprite sprite, int frame, byte[] canvas, int offset) {
        for (int row = 0; row < MnistDigits.SIZE; row++) {
            int line = offset + (sprite.top[frame] + row) * SIZE + sprite.left[frame];
            for (int column = 0; column < MnistDigits.SIZE; column++) {
                int pixel = digits.pixel(sprite.digit, row, column);
                canvas[line + column] = (byte) Math.max(pixel, canvas[line + column] & 0xff);
            }
        }
    }
}
