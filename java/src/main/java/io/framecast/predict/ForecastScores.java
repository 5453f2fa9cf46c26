package io.framecast.predict;

import io.framecast.data.Video;
import java.util.Arrays;

/**
 * The error of forecasts, in the metrics of the video-prediction literature. Add pairs of true and predicted frames,
 * then call {@link #result()}. For every predicted frame, averaged over the videos:
 *
 * <ul>
 * <li>MSE and MAE: squared and absolute error <em>summed</em> over the pixels and channels of a frame.
 * <li>PSNR: {@code -10 log10(m)} in dB, {@code m} being the mean squared error per pixel and the peak 1.
 *     An {@code m} below 1e-10 counts as 1e-10, so that a frame without error scores 100 dB instead of
 *     making the average infinite.
 * <li>SSIM: see {@link Ssim}.
 * </ul>
 *
 * <p>Sums are kept in double, so that finite frames have finite scores. Not thread-safe.
 */
public final class ForecastScores {

    private static final double LEAST_PSNR_ERROR = 1e-10;

    private Video shape;
    private Ssim ssim;
    private final int[] videos;
    private final double[] squared;
    private final double[] absolute;
    private final double[] psnr;
    private final double[] similarity;

    /**
     * Scores of nothing yet.
     *
     * @param frames of each forecast
     */
    public ForecastScores(int frames) {
        videos = new int[frames];
        squared = new double[frames];
        absolute = new double[frames];
        psnr = new double[frames];
        similarity = new double[frames];
    }

    /**
     * Adds one frame of one forecast.
     *
     * @param frame its number within the forecast, from 0
     * @param truth the true frame, as a video of one frame, (1, height, width, channels) in [0, 1]
     * @param prediction the predicted frame, of the same shape
     * @throws IllegalArgumentException if a video has more than one frame, or the shapes differ from each other or from
     *     those of the first pair
     */
    public void add(int frame, Video truth, Video prediction) {
        if (shape == null) {
            shape = truth;
            ssim = new Ssim(truth.height(), truth.width());
        }
        requireShape(truth);
        requireShape(prediction);
        double squares = 0;
        double absolutes = 0;
        for (int i = 0; i < truth.frameSize(); i++) {
            double error = (double) prediction.values()[i] - truth.values()[i];
            squares += error * error;
            absolutes += Math.abs(error);
        }
        squared[frame] += squares;
        absolute[frame] += absolutes;
        psnr[frame] += -10 * Math.log10(Math.max(squares / truth.frameSize(), LEAST_PSNR_ERROR));
        similarity[frame] += ssim.of(truth, prediction);
        videos[frame]++;
    }

    /**
     * {@return the scores of all forecasts added so far}
     *
     * @throws IllegalStateException if there are no forecasts, or frames of some are missing
     */
    public Result result() {
        int count = videos[0];
        if (count == 0) {
            throw new IllegalStateException("there are no forecasts to score");
        }
        if (Arrays.stream(videos).anyMatch(v -> v != count)) {
            throw new IllegalStateException("some forecasts lack frames: " + Arrays.toString(videos));
        }
        return new Result(count, average(squared), average(absolute), average(psnr), average(similarity));
    }

    private void requireShape(Video video) {
        if (video.frames() != 1 || video.height() != shape.height() || video.width() != shape.width()
                || video.channels() != shape.channels()) {
            throw new IllegalArgumentException("cannot compare " + shapeOf(video) + " with one frame of "
                    + shape.height() + "x" + shape.width() + "x" + shape.channels());
        }
    }

    private static String shapeOf(Video v) {
        return v.frames() + " frames of " + v.height() + "x" + v.width() + "x" + v.channels();
    }

    private Metric average(double[] sums) {
        return new Metric(Arrays.stream(sums).map(sum -> sum / videos[0]).toArray());
    }

    /**
     * Scores averaged over {@code videos} forecasts.
     *
     * @param videos the number of forecasts
     * @param mse  squared error summed over a frame
     * @param mae  absolute error summed over a frame
     * @param psnr dB
     * @param ssim at most 1
     */
    public record Result(int videos, Metric mse, Metric mae, Metric psnr, Metric ssim) {
    }

    /**
     * One score for each predicted frame.
     *
     * @param perFrame in the order of the frames
     */
    public record Metric(double[] perFrame) {

        /**
         * Copies the scores.
         *
         * @param perFrame the first forecast frame first
         */
        public Metric {
            perFrame = perFrame.clone();
        }

        /** {@return a copy of the scores, in the order of the frames} */
        @Override
        public double[] perFrame() {
            return perFrame.clone();
        }

        /** {@return the mean over the frames} */
        public double mean() {
            return Arrays.stream(perFrame).average().orElse(Double.NaN);
        }

        /**
         * The relative reduction of the mean: 0.4 means 40% lower than the baseline's mean; a negative value means
         * higher. For metrics where lower is better.
         *
         * @param baseline the same metric of other forecasts
         * @return not finite where the baseline's mean is 0
         */
        public double reductionFrom(Metric baseline) {
            return 1 - mean() / baseline.mean();
        }
    }
}
