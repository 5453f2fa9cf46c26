package io.framecast.data;

import io.framecast.Count;
import io.framecast.FramecastException;
import io.framecast.Quote;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Objects;

/**
 * Videos in a .npy file, uint8 (taken as 0 to 255 and divided by 255) or float32 in [0, 1], of shape
 * {@code (N, T, H, W)} or {@code (N, T, H, W, C)}, or with N and T swapped.
 *
 * <p>The file is mapped into memory: opening reads its header alone (and, where the layout is in doubt, up to 400
 * frames of 64x64), and a video is read when asked for. The file itself is closed again at once; the mapping goes
 * with this object, so there is nothing to close.
 */
public final class NpyVideos implements Videos {

    /** The official file holds 20 frames of 64x64 a video, frames first. */
    private static final int OFFICIAL_FRAMES = 20;
    private static final int OFFICIAL_SIZE = 64;

    /** Below the 2 GiB that one mapped buffer can hold. */
    private static final int CHUNK = 1 << 30;

    private final Path file;
    private final NpyType type;
    private final VideoLayout layout;
    private final int count;
    private final int frames;
    private final int height;
    private final int width;
    private final int channels;
    private final MappedFile mapped;
    private final int dataOffset;

    private NpyVideos(Path file, NpyHeader header, NpyType type, VideoLayout layout, MappedFile mapped) {
        List<Long> shape = header.shape();
        this.file = file;
        this.type = type;
        this.layout = layout;
        this.count = shape.get(layout == VideoLayout.TNHW ? 1 : 0).intValue();
        this.frames = shape.get(layout == VideoLayout.TNHW ? 0 : 1).intValue();
        this.height = shape.get(2).intValue();
        this.width = shape.get(3).intValue();
        this.channels = shape.size() == 5 ? shape.get(4).intValue() : 1;
        this.mapped = mapped;
        this.dataOffset = header.dataOffset();
    }

    /** Opens a file and recognises its layout. */
    public static NpyVideos open(Path file) {
        return open(file, VideoLayout.AUTO);
    }

    /**
     * Opens a file. {@link VideoLayout#AUTO} takes uint8 of shape (20, N, 64, 64) for frames first when N is
     * above 20, as in the official file. When N is 20 or less these may as well be 20 videos, and the axis along
     * which neighbouring images change less is taken for time. All other files are videos first.
     *
     * @throws FramecastException if the file cannot be read, is no .npy file, is truncated or too long, or is not
     *         an array of videos as described above
     */
    public static NpyVideos open(Path file, VideoLayout layout) {
        return open(file, layout, CHUNK);
    }

    static NpyVideos open(Path file, VideoLayout layout, int chunkSize) {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            NpyHeader header = NpyHeader.read(channel, file);
            NpyType type = type(header, file);
            checkShape(header, type, channel.size(), file);
            MappedFile mapped = new MappedFile(channel, chunkSize);
            NpyVideos videos = new NpyVideos(file, header, type,
                    layout == VideoLayout.AUTO ? recognise(header, type, mapped) : layout, mapped);
            if (videos.frames < 2) {
                throw new FramecastException(file + " holds videos of one frame only (shape "
                        + text(header.shape()) + ", " + videos.layoutInWords() + "); at least two are needed.");
            }
            long videoBytes = header.shape().stream().reduce((long) type.bytes(), Math::multiplyExact) / videos.count;
            if (videoBytes > Integer.MAX_VALUE - 8) { // The length of the longest Java array.
                throw new FramecastException("The videos of " + file + " are too large, with shape "
                        + text(header.shape()) + "; cut them into shorter or smaller ones.");
            }
            return videos;
        } catch (NoSuchFileException e) {
            throw new FramecastException("Cannot read " + file + ": there is no such file.", e);
        } catch (AccessDeniedException e) {
            throw new FramecastException("Cannot read " + file + ": permission denied.", e);
        } catch (IOException e) {
            throw new FramecastException("Cannot read " + file + ": " + e.getMessage() + ".", e);
        }
    }

    private static NpyType type(NpyHeader header, Path file) {
        String descr = header.descr();
        if (descr.matches("[|<>=]?u1")) { // One byte has no order, whatever the header says.
            return NpyType.UINT8;
        }
        if (descr.equals(NpyType.FLOAT32.descr())) {
            return NpyType.FLOAT32;
        }
        if (descr.matches("[|<>=]?O.*")) {
            throw new FramecastException(file + " holds pickled Python objects, which are never loaded; save a plain"
                    + " uint8 or float32 array.");
        }
        if (descr.equals(">f4")) {
            throw new FramecastException(file + " holds big-endian numbers ('>f4'); convert them with"
                    + " x.astype('<f4') in NumPy.");
        }
        throw new FramecastException(file + " holds numbers of type '" + Quote.of(descr) + "'; convert them to"
                + " uint8, or to float32 in [0, 1].");
    }

    private static void checkShape(NpyHeader header, NpyType type, long fileSize, Path file) {
        List<Long> shape = header.shape();
        if (header.fortranOrder()) {
            throw new FramecastException(file + " is in Fortran order; save numpy.ascontiguousarray(x) instead.");
        }
        if (shape.size() != 4 && shape.size() != 5) {
            throw new FramecastException(file + " has the shape " + text(shape) + "; videos need 4 axes (N, T, H, W) or"
                    + " 5 (N, T, H, W, C).");
        }
        if (shape.get(0) == 0 || shape.get(1) == 0) {
            throw new FramecastException(file + " holds no videos: its shape is " + text(shape) + ".");
        }
        if (shape.contains(0L)) {
            throw new FramecastException(file + " holds empty images: its shape is " + text(shape) + ".");
        }
        long expected = header.dataOffset();
        try {
            expected = Math.addExact(expected,
                    shape.stream().reduce((long) type.bytes(), Math::multiplyExact));
            shape.forEach(Math::toIntExact);
        } catch (ArithmeticException e) {
            throw new FramecastException(file + " claims the shape " + text(shape) + ", which is too large to be true;"
                    + " its header is damaged.", e);
        }
        if (fileSize < expected) {
            throw NpyHeader.truncated(file, expected, fileSize);
        }
        if (fileSize > expected) {
            throw new FramecastException(file + " is longer than it says: it should have " + expected
                    + " bytes but has " + fileSize + "; write it again.");
        }
    }

    private static VideoLayout recognise(NpyHeader header, NpyType type, MappedFile mapped) {
        long second = header.shape().get(1);
        boolean official = type == NpyType.UINT8
                && header.shape().equals(List.of((long) OFFICIAL_FRAMES, second, (long) OFFICIAL_SIZE,
                        (long) OFFICIAL_SIZE));
        // A second axis of length one cannot be time, which has two frames or more.
        if (official && (second > OFFICIAL_FRAMES || second == 1
                || changesLessAlongFirstAxis((int) second, header.dataOffset(), mapped))) {
            return VideoLayout.TNHW;
        }
        return VideoLayout.NTHW;
    }

    /** Compares the mean absolute differences of neighbouring images along the axes of (20, second, 64, 64). */
    private static boolean changesLessAlongFirstAxis(int second, int dataOffset, MappedFile mapped) {
        byte[][][] images = new byte[OFFICIAL_FRAMES][second][OFFICIAL_SIZE * OFFICIAL_SIZE];
        long alongFirst = 0;
        long alongSecond = 0;
        for (int i = 0; i < OFFICIAL_FRAMES; i++) {
            for (int j = 0; j < second; j++) {
                mapped.read(dataOffset + (long) (i * second + j) * images[i][j].length, images[i][j]);
                alongFirst += i > 0 ? difference(images[i][j], images[i - 1][j]) : 0;
                alongSecond += j > 0 ? difference(images[i][j], images[i][j - 1]) : 0;
            }
        }
        long pairsAlongFirst = (OFFICIAL_FRAMES - 1L) * second;
        long pairsAlongSecond = OFFICIAL_FRAMES * (second - 1L);
        return alongFirst * pairsAlongSecond < alongSecond * pairsAlongFirst;
    }

    private static long difference(byte[] a, byte[] b) {
        long sum = 0;
        for (int i = 0; i < a.length; i++) {
            sum += Math.abs((a[i] & 0xff) - (b[i] & 0xff));
        }
        return sum;
    }

    /** TNHW or NTHW: as asked for, or as recognised. */
    public VideoLayout layout() {
        return layout;
    }

    /** One line, such as "12 videos of 20 frames of 64x64x1, uint8, frames first". */
    public String describe() {
        return Count.of(count, "video") + " of " + frames + " frames of " + height + "x" + width + "x"
                + channels + ", " + type + ", " + layoutInWords();
    }

    private String layoutInWords() {
        return layout == VideoLayout.TNHW ? "frames first" : "videos first";
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
        return height;
    }

    @Override
    public int width() {
        return width;
    }

    @Override
    public int channels() {
        return channels;
    }

    /**
     * {@inheritDoc}
     *
     * @throws FramecastException if a value is NaN, infinite or outside [0, 1]
     */
    @Override
    public Video get(int index) {
        return get(index, 0, frames);
    }

    /**
     * {@inheritDoc} Other frames are not read.
     *
     * @throws FramecastException if a value is NaN, infinite or outside [0, 1]
     */
    @Override
    public Video get(int index, int from, int to) {
        Objects.checkIndex(index, count);
        Objects.checkFromToIndex(from, to, frames);
        float[] values = new float[(to - from) * frameSize()];
        byte[] bytes = new byte[frameSize() * type.bytes()];
        for (int frame = from; frame < to; frame++) {
            int first = (frame - from) * frameSize();
            long image = layout == VideoLayout.TNHW ? (long) frame * count + index : (long) index * frames + frame;
            mapped.read(dataOffset + image * bytes.length, bytes);
            switch (type) {
                case UINT8 -> {
                    for (int i = 0; i < bytes.length; i++) {
                        values[first + i] = (bytes[i] & 0xff) / 255f;
                    }
                }
                case FLOAT32 -> {
                    FloatBuffer floats = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer();
                    for (int i = 0; i < frameSize(); i++) {
                        values[first + i] = checked(floats.get(i), index, frame);
                    }
                }
            }
        }
        return new Video(to - from, height, width, channels, values);
    }

    private float checked(float value, int index, int frame) {
        if (value >= 0 && value <= 1) {
            return value;
        }
        String advice = Float.isFinite(value)
                ? "values must be in [0, 1]; if they are pixels of 0 to 255, divide by 255 or save them as uint8"
                : "values must be numbers in [0, 1]; find out where it comes from";
        throw new FramecastException(file + " has the value " + value + " in video " + index + ", frame " + frame + "; "
                + advice + ".");
    }

    private static String text(List<Long> shape) {
        return Quote.of(shape.toString().replace('[', '(').replace(']', ')'));
    }
}
