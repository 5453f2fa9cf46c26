package io.framecast.data;

import io.framecast.FramecastException;
import io.framecast.data.NpyArray.Axis;
import io.framecast.text.Count;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * Videos in a .npy file, plain or gzipped, or in an .npz file of one array: integers, or floating-point values in [0,
 * 1], of any size and byte order, with axes in any order, in C or Fortran order.
 *
 * <p>Opening reads the header and, if no layout is given, up to 480 images (four at each of 120 places), sampled at
 * about 64x64 pixels. A video is read when it is requested. The file stays open until {@link #close}.
 *
 * <p>How values become brightness:
 *
 * <ul>
 * <li>bool: false is 0 and true is 1.
 * <li>uint8: 0 to 255 become 0 to 1.
 * <li>Other integers: from 0 to the largest value in the file if that is 255, 1023 or 4095 (or 65535 for 32- and 64-bit
 * types). Else the whole range of the type, without its negative half if the file has no negative values. This depends
 * on the whole file, so it is read when the scale is first needed.
 * <li>Floating-point values: unchanged.
 * <li>If a {@link Scale} is given, it applies to every type.
 * </ul>
 *
 * <p>Values outside the scale by up to 5% of its length are clamped to black or white.
 */
public final class NpyVideos implements Videos {

    /** Receives the progress of reading. */
    @FunctionalInterface
    public interface Progress {
        /**
         * A part of the file was read.
         *
         * @param bytesDone bytes so far
         * @param bytesTotal bytes in all
         */
        void update(long bytesDone, long bytesTotal);
    }

    private final Path file;
    private final NpyArray array;
    private final LayoutGuess guess;
    private final VideoLayout layout;
    private final Scale givenScale;
    private final int count;
    private final int frames;
    private final int height;
    private final int width;
    private final int channels;

    /** For integers without a given scale: the inferred scale and the range it was inferred from; null until known. */
    private Scale judgedScale;
    private ValueRange judgedBy;

    private NpyVideos(Path file, NpyArray array, LayoutGuess guess, VideoLayout layout, Scale scale) {
        this.file = file;
        this.array = array;
        this.guess = guess;
        this.layout = layout;
        this.givenScale = scale;
        this.count = length('n');
        this.frames = length('t');
        this.height = length('h');
        this.width = length('w');
        this.channels = length('c');
    }

    /**
     * Opens a file, and infers its layout and the scale of its values.
     *
     * @param file the .npy, .npy.gz or .npz file
     * @return the videos, for the caller to close
     */
    public static NpyVideos open(Path file) {
        return open(file, null, null);
    }

    /**
     * Opens a file.
     *
     * @param file the .npy, .npy.gz or .npz file
     * @param layout the axes, where a last c may be left out; null to infer them, see {@link #layoutGuess}
     * @param scale how values become brightness; null for the rules above
     * @return the videos, for the caller to close
     * @throws FramecastException if the file cannot be read, does not hold exactly one numeric array, is truncated or
     *         too long, or its array does not have the axes of videos
     */
    public static NpyVideos open(Path file, VideoLayout layout, Scale scale) {
        return open(file, layout, scale, NpyArray.PIECE);
    }

    static NpyVideos open(Path file, VideoLayout layout, Scale scale, int pieceSize) {
        NpyArray array = NpyArray.open(file, pieceSize);
        try {
            requireVideos(array.shape(), layout, file);
            array.requireWhole();
            LayoutGuess guess = layout == null ? LayoutGuess.of(array) : null;
            VideoLayout taken = guess != null ? guess.layout()
                    : layout.rank() < array.shape().size() ? new VideoLayout(layout.axes() + "c") : layout;
            NpyVideos videos = new NpyVideos(file, array, guess, taken, scale);
            if (videos.frames < 2) {
                String other = taken.axes().replaceFirst("^nt", "tn");
                throw new FramecastException(file + " holds videos of one frame only (shape "
                        + NpyHeader.text(array.shape()) + ", " + taken.inWords() + "); at least two are needed"
                        + (other.equals(taken.axes()) || videos.count < 2 ? "."
                        : ". With the layout " + other + " it is one video of " + videos.count + " frames."));
            }
            return videos;
        } catch (RuntimeException e) {
            array.close();
            throw e;
        }
    }

    private static void requireVideos(List<Long> shape, VideoLayout layout, Path file) {
        String text = NpyHeader.text(shape);
        if (layout == null && shape.size() != 4 && shape.size() != 5) {
            throw new FramecastException(file + " has the shape " + text + "; videos need 4 axes (N, T, H, W) or"
                    + " 5 (N, T, H, W, C)" + (shape.size() != 3 ? "." : "; if it is one video of " + shape.get(0)
                    + " frames of " + shape.get(1) + "x" + shape.get(2) + ", its layout is thw."));
        }
        boolean channelsLeftOut = layout != null && layout.place('c') < 0 && shape.size() == layout.rank() + 1
                && (layout.place('n') >= 0 || shape.get(shape.size() - 1) <= LayoutGuess.MOST_CHANNELS);
        if (layout != null && shape.size() != layout.rank() && !channelsLeftOut) {
            throw new FramecastException(file + " has the shape " + text + " of " + shape.size()
                    + " axes, and not one of the layout " + layout + ".");
        }
        for (int axis = 0; axis < shape.size(); axis++) {
            if (shape.get(axis) == 0) {
                boolean none = layout == null ? axis < 2 : "nt".indexOf((layout.axes() + "c").charAt(axis)) >= 0;
                throw new FramecastException(file + " holds " + (none ? "no videos" : "empty images")
                        + ": its shape is " + text + ".");
            }
        }
    }

    private int length(char axis) {
        int place = layout.place(axis);
        return place < 0 ? 1 : array.shape().get(place).intValue();
    }

    private long stride(char axis) {
        int place = layout.place(axis);
        return place < 0 ? 0 : array.stride(place);
    }

    /**
     * The axes, as given or as inferred.
     *
     * @return the layout, with c if the array has that axis
     */
    public VideoLayout layout() {
        return layout;
    }

    /**
     * How the layout was inferred, if there was a choice.
     *
     * @return empty if the layout was given, or no other was possible
     */
    public Optional<LayoutGuess> layoutGuess() {
        return Optional.ofNullable(guess).filter(judged -> judged.other() != null);
    }

    /**
     * The type of the values in the file.
     *
     * @return the type, in either byte order
     */
    public NpyType type() {
        return array.type();
    }

    /**
     * The shape of the array in the file.
     *
     * @return its dimensions in the order of {@link #layout}
     */
    public List<Long> shape() {
        return array.shape();
    }

    /**
     * One line, such as "12 videos of 20 frames of 64x64x1, uint8, frames first".
     *
     * @return words for people
     */
    public String describe() {
        return Count.of(count, "video") + " of " + frames + " frames of " + height + "x" + width + "x"
                + channels + ", " + type() + ", " + layout.inWords();
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
     * Whether the scale is inferred from the values. Otherwise it follows from the type, or was given.
     *
     * @return true for integers other than uint8, if no scale was given
     */
    public boolean isScaleJudged() {
        return givenScale == null && type().isInteger() && type() != NpyType.UINT8;
    }

    /**
     * The values of black and white. If the scale must be inferred, the first call reads the file.
     *
     * @return the scale: given, inferred, or of the type
     * @throws ScaleException as {@link #check}
     */
    public Scale scale() {
        if (givenScale != null) {
            return givenScale;
        }
        if (!isScaleJudged()) {
            return type().range();
        }
        judge((done, total) -> { });
        return judgedScale;
    }

    /**
     * Checks values before they are used. For floating-point values, or if a scale was given: all values of the videos
     * and frames named below. Otherwise, for integers: as many as are needed to infer the scale and to see that the
     * videos are not dark. That is the whole file in the worst case, and the first frames in most uint8 files.
     *
     * @param videoCount how many videos, from the first on
     * @param frameCount how many frames of each, from the first on
     * @param progress receives the progress of reading
     * @return the range of the values checked
     * @throws FramecastException naming video and frame, if a value is NaN or infinite
     * @throws ScaleException naming video and frame, if a value is more than 5% outside the scale; or if 32- or 64-bit
     *         integers would all be nearly black
     */
    public ValueRange check(int videoCount, int frameCount, Progress progress) {
        Objects.checkFromToIndex(0, videoCount, count);
        Objects.checkFromToIndex(0, frameCount, frames);
        if (givenScale == null && type().isInteger()) {
            judge(progress);
            return judgedBy;
        }
        if (givenScale == null && type() == NpyType.BOOL) {
            return new ValueRange(0, 1, 0, 0, false);
        }
        Survey survey = new Survey(type(), scale());
        look(survey, videoCount, frameCount, progress);
        // Written so that NaN and infinity fail the comparison.
        if (survey.count() > 0 && !(scale().takes(survey.least()) && scale().takes(survey.most()))) {
            float[] values = new float[frameSize()];
            for (int k = 0; k < videoCount; k++) {
                for (int frame = 0; frame < frameCount; frame++) {
                    read(k, frame, frame + 1, values, 0, frameSize(), survey);
                }
            }
        }
        return survey.range(scale());
    }

    /** Infers the scale of integers. */
    private synchronized void judge(Progress progress) {
        if (judgedScale != null) {
            return;
        }
        Survey survey = new Survey(type(), null);
        look(survey, count, frames, progress);
        Scale scale = survey.judged();
        ValueRange range = survey.range(scale);
        if (range.dark() && type().bytes() > 2) {
            throw new ScaleException(file + " holds " + type() + " numbers from " + Scale.text(survey.least()) + " to "
                    + Scale.text(survey.most()) + ", which are all black on the scale of their type",
                    Scale.fitting(survey.least(), survey.most()));
        }
        judgedBy = range;
        judgedScale = scale;
    }

    private void look(Survey survey, int videoCount, int frameCount, Progress progress) {
        survey.look(array, List.of(new Axis(videoCount, stride('n'), 0), new Axis(frameCount, stride('t'), 0),
                new Axis(height, stride('h'), 0), new Axis(width, stride('w'), 0),
                new Axis(channels, stride('c'), 0)), progress);
    }

    /**
     * {@inheritDoc}
     *
     * @throws FramecastException as in {@link #check}, for the values of this video; or if the video does not fit an
     *         array
     */
    @Override
    public Video get(int index) {
        return get(index, 0, frames);
    }

    /**
     * {@inheritDoc} Other frames are not read.
     *
     * @throws FramecastException as in {@link #check}, for the values of these frames; or if they do not fit an array
     */
    @Override
    public Video get(int index, int from, int to) {
        Objects.checkIndex(index, count);
        Objects.checkFromToIndex(from, to, frames);
        if ((long) (to - from) * height * width * channels > Integer.MAX_VALUE - 8) { // The longest Java array.
            throw new FramecastException("The videos of " + file + " are too large, with shape "
                    + NpyHeader.text(array.shape()) + "; cut them into shorter or smaller ones.");
        }
        float[] values = new float[(to - from) * frameSize()];
        read(index, from, to, values, 0, frameSize());
        return new Video(to - from, height, width, channels, values);
    }

    /**
     * {@inheritDoc} Other frames are not read.
     *
     * @throws FramecastException as {@link #check}, of the values of these frames
     */
    @Override
    public void read(int index, int from, int to, float[] target, int offset, int frameStride) {
        Objects.checkIndex(index, count);
        Objects.checkFromToIndex(from, to, frames);
        if (from < to) {
            read(index, from, to, target, offset, frameStride, null);
        }
    }

    /** @param all the range of all values, for the message; null if it is not known */
    private void read(int index, int from, int to, float[] target, int offset, int frameStride, Survey all) {
        Scale scale = scale();
        float[] table = type().brightness(scale);
        array.read(index * stride('n') + from * stride('t'), List.of(new Axis(to - from, stride('t'), frameStride),
                new Axis(height, stride('h'), (long) width * channels), new Axis(width, stride('w'), channels),
                new Axis(channels, stride('c'), 1)), target, offset, table);
        for (int t = 0; t < to - from && table == null; t++) {
            int good = scale.toBrightness(target, offset + t * frameStride, frameSize());
            if (good < frameSize()) {
                // In the file's own format, in one contiguous piece.
                float[] rest = new float[(to - from - t) * frameSize() - good];
                for (int k = 0; k < rest.length; k++) {
                    int at = good + k;
                    rest[k] = target[offset + (t + at / frameSize()) * frameStride + at % frameSize()];
                }
                throw refusal(index, from + t, rest, all);
            }
        }
    }

    /** @param values in the file's own format; the first one was refused */
    private FramecastException refusal(int index, int frame, float[] values, Survey all) {
        String fault = file + " has the value " + values[0] + " in video " + index + ", frame " + frame;
        if (!Float.isFinite(values[0])) {
            return new FramecastException(fault + "; values must be numbers; find out where it comes from.");
        }
        fault += ", outside [" + Scale.text(scale().black()) + ", " + Scale.text(scale().white()) + "]";
        if (all != null && Double.isFinite(all.most() - all.least())) {
            return new ScaleException(fault + ", and values from " + Scale.text(all.least()) + " to "
                    + Scale.text(all.most()) + " in all", Scale.fitting(all.least(), all.most()));
        }
        double least = Double.POSITIVE_INFINITY;
        double most = Double.NEGATIVE_INFINITY;
        for (float value : values) {
            if (Float.isFinite(value)) {
                least = Math.min(least, value);
                most = Math.max(most, value);
            }
        }
        return new ScaleException(fault, Scale.fitting(least, most));
    }

    @Override
    public void close() {
        array.close();
    }
}
