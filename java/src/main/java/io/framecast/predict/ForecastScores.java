package io.framecast.predict;

import io.framecast.data.Video;
import java.util.Arrays;

/**
 * How far forecasts are from what really came, as the video-prediction literature reports it. Feed it
 * pairs of videos that hold the forecast frames only, then ask for the {@link #result()}. For every
 * forecast frame, averaged over the videos:
 *
 * <ul>
 * <li>MSE and MAE: squared and absolute error <em>summed</em> over the pixels and channels of a frame.
 * <li>PSNR: {@code -10 log10(m)} in dB, {@code m} being the mean squared error per pixel and the peak 1.
 *     An {@code m} below 1e-10 counts as 1e-10, so that a frame without error scores 100 dB instead of
 *     making the average infinite.
 * <li>SSIM: see {@link Ssim}.
 * </ul>
 *
 * <p>Sums are kept in double. Not safe for use from several threads at once.
 */
public final class ForecastScores {

    private static final double LEAST_PSNR_ERROR = 1e-10;

    private Video shape;
    private Ssim ssim;
    private int videos;
    private double[] squared;
    private double[] absolute;
    private double[] psnr;
    private double[] similarity;

    /**
     * Adds one forecast.
     *
     * @param truth      the frames that came, (frames, height, width, channels) in [0, 1]
     * @param prediction the frames that were forecast, of the same shape
     * @throws IllegalArgumentException if the shapes differ from each other or from the first pair's
     */
    public void add(Video truth, Video prediction) {
        if (shape == null) {
            start(truth);
        }
        requireShape(truth);
        requireShape(prediction);
        int size = truth.frameSize();
        for (int t = 0; t < truth.frames(); t++) {
            double squares = 0;
            double absolutes = 0;
            for (int i = t * size; i < (t + 1) * size; i++) {
                double error = (double) prediction.values()[i] - truth.values()[i];
                squares += error * error;
                absolutes += Math.abs(error);
            }
            squared[t] += squares;
            absolute[t] += absolutes;
            psnr[t] += -10 * Math.log10(Math.max(squares / size, LEAST_PSNR_ERROR));
            similarity[t] += ssim.of(truth, prediction, t);
        }
        videos++;
    }

    /**
     * The scores of all pairs added so far.
     *
     * @throws IllegalStateException if there are none
     */
    public Result result() {
        if (videos == 0) {
            throw new IllegalStateException("there are no forecasts to score");
        }
        return new Result(videos, average(squared), average(absolute), average(psnr), average(similarity));
    }

    /**
     * The forecast to beat: the last seen frame, again and again.
     *
     * @param seen   the context
     * @param frames the number of frames to forecast
     */
    public static Video repeatLastFrame(Video seen, int frames) {
        int size = seen.frameSize();
        float[] values = new float[frames * size];
        for (int t = 0; t < frames; t++) {
            System.arraycopy(seen.values(), (seen.frames() - 1) * size, values, t * size, size);
        }
        return new Video(frames, seen.height(), seen.width(), seen.channels(), values);
    }

    private void start(Video first) {
        shape = first;
        ssim = new Ssim(first.height(), first.width());
        squared = new double[first.frames()];
        absolute = new double[first.frames()];
        psnr = new double[first.frames()];
        similarity = new double[first.frames()];
    }

    private void requireShape(Video video) {
        if (video.frames() != shape.frames() || video.height() != shape.height() || video.width() != shape.width()
                || video.channels() != shape.channels()) {
            throw new IllegalArgumentException("cannot compare " + shapeOf(video) + " with " + shapeOf(shape));
        }
    }

    private static String shapeOf(Video v) {
        return v.frames() + " frames of " + v.height() + "x" + v.width() + "x" + v.channels();
    }

    private Metric average(double[] sums) {
        return new Metric(Arrays.stream(sums).map(sum -> sum / videos).toArray());
    }

    /**
     * Scores averaged over {@code videos} forecasts.
     *
     * @param mse  squared error summed over a frame
     * @param mae  absolute error summed over a frame
     * @param psnr dB
     * @param ssim at most 1
     */
    public record Result(int videos, Metric mse, Metric mae, Metric psnr, Metric ssim) {
    }

    /** One score for each forecast frame, the first forecast frame first. */
    public record Metric(double[] perFrame) {

        public Metric {
            perFrame = perFrame.clone();
        }

        @Override
        public double[] perFrame() {
            return perFrame.clone();
        }

        public double mean() {
            return Arrays.stream(perFrame).average().orElse(Double.NaN);
        }

        /**
         * How much lower this mean is than the baseline's, as a share of the baseline's: 0.4 is 40% lower, a
         * negative value is higher. For errors, lower is better.
         */
        public double reductionFrom(Metric baseline) {
            return 1 - mean() / baseline.mean();
        }
    }
}
