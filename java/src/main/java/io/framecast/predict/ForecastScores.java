package io.framecast.predict;

import io.framecast.backend.ProcessGroup;
import io.framecast.data.Video;
import java.util.Arrays;
import java.util.List;

/**
 * The error of forecasts, in the metrics of the video-prediction literature. Add pairs of true and predicted frames,
 * then call {@link #result()}. For every predicted frame, averaged over the videos:
 *
 * <ul>
 * <li>MSE and MAE: squared and absolute error <em>summed</em> over the pixels and channels of a frame.
 * <li>PSNR: {@code -10 log10(m)} in dB, {@code m} being the mean squared error per value and the peak 1. It is computed
 *     for each frame and then averaged. An {@code m} below 1e-10 counts as 1e-10, so that a frame without error scores
 *     100 dB instead of making the average infinite; {@link Result#exact} counts these frames.
 * <li>SSIM, computed for each channel and averaged, in three definitions that published figures use:
 *     <ul>
 *     <li>{@link Result#ssim}: that of the first publication (Wang, Bovik, Sheikh and Simoncelli, 2004): an 11x11
 *         Gaussian window of sigma 1.5, data range 1, at the positions where the window is inside the frame.
 *     <li>{@link Result#uniformSsim}: the default of scikit-image's {@code structural_similarity}: a 7x7 uniform
 *         window, sample (co)variances, data range 1. PredRNN's code and those that follow it compute it from 8-bit
 *         frames.
 *     <li>{@link Result#wideRangeSsim}: the same with a data range of 2, which scikit-image up to 0.18 took for
 *         floating point numbers. SimVP's code and OpenSTL call it so; it gives mostly higher values than a range of 1.
 *     </ul>
 * </ul>
 *
 * <p>As in the literature, MSE and MAE take the predictions as they are; PSNR and SSIM clip them to [0, 1].
 *
 * <p>Sums are kept in double, so that finite frames have finite scores. Not thread-safe.
 */
public final class ForecastScores {

    private static final double LEAST_PSNR_ERROR = 1e-10;

    private Video shape;
    private Ssim gaussian;
    private Ssim uniform;
    private final int[] videos;
    private final int[] exact;
    private final double[] squared;
    private final double[] absolute;
    private final double[] psnr;
    private final double[] ssim;
    private final double[] uniformSsim;
    private final double[] wideRangeSsim;

    /**
     * Scores of nothing yet.
     *
     * @param frames of each forecast
     */
    public ForecastScores(int frames) {
        videos = new int[frames];
        exact = new int[frames];
        squared = new double[frames];
        absolute = new double[frames];
        psnr = new double[frames];
        ssim = new double[frames];
        uniformSsim = new double[frames];
        wideRangeSsim = new double[frames];
    }

    /**
     * Adds the scores of all processes of a group, which all must call this, after they have added their own frames.
     *
     * @param group the processes
     */
    public void addOthers(ProcessGroup group) {
        List<double[]> sums = List.of(squared, absolute, psnr, ssim, uniformSsim, wideRangeSsim);
        int frames = videos.length;
        double[] own = new double[(sums.size() + 2) * frames];
        for (int frame = 0; frame < frames; frame++) {
            for (int k = 0; k < sums.size(); k++) {
                own[k * frames + frame] = sums.get(k)[frame];
            }
            own[sums.size() * frames + frame] = videos[frame];
            own[(sums.size() + 1) * frames + frame] = exact[frame];
        }
        double[] all = group.allGather(own);
        for (int frame = 0; frame < frames; frame++) {
            double[] total = new double[sums.size() + 2];
            for (int k = 0; k < total.length; k++) {
                for (int rank = 0; rank < group.size(); rank++) {
                    total[k] += all[rank * own.length + k * frames + frame];
                }
            }
            for (int k = 0; k < sums.size(); k++) {
                sums.get(k)[frame] = total[k];
            }
            videos[frame] = (int) total[sums.size()];
            exact[frame] = (int) total[sums.size() + 1];
        }
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
            gaussian = Ssim.gaussian(truth.height(), truth.width());
            uniform = Ssim.uniform(truth.height(), truth.width());
        }
        requireShape(truth);
        requireShape(prediction);
        Video clipped = clipped(prediction);
        double squares = 0;
        double clippedSquares = 0;
        double absolutes = 0;
        for (int i = 0; i < truth.frameSize(); i++) {
            double error = (double) prediction.values()[i] - truth.values()[i];
            double clippedError = (double) clipped.values()[i] - truth.values()[i];
            squares += error * error;
            clippedSquares += clippedError * clippedError;
            absolutes += Math.abs(error);
        }
        squared[frame] += squares;
        absolute[frame] += absolutes;
        double mean = clippedSquares / truth.frameSize();
        psnr[frame] += -10 * Math.log10(Math.max(mean, LEAST_PSNR_ERROR));
        exact[frame] += mean < LEAST_PSNR_ERROR ? 1 : 0;
        double[] ranges = uniform.of(truth, clipped, 1, 2);
        ssim[frame] += gaussian.of(truth, clipped, 1)[0];
        uniformSsim[frame] += ranges[0];
        wideRangeSsim[frame] += ranges[1];
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
        return new Result(count, average(squared), average(absolute), average(psnr), average(ssim),
                average(uniformSsim), average(wideRangeSsim), exact);
    }

    private static Video clipped(Video frame) {
        float[] values = frame.values().clone();
        for (int i = 0; i < values.length; i++) {
            values[i] = Math.max(0, Math.min(1, values[i]));
        }
        return new Video(frame.frames(), frame.height(), frame.width(), frame.channels(), values);
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
     * @param ssim with a Gaussian window of 11x11, at most 1
     * @param uniformSsim with a uniform window of 7x7, at most 1
     * @param wideRangeSsim as {@code uniformSsim}, for a data range of 2
     * @param exact for each frame, how many forecasts have no error and count as a PSNR of 100 dB
     */
    public record Result(int videos, Metric mse, Metric mae, Metric psnr, Metric ssim, Metric uniformSsim,
            Metric wideRangeSsim, int[] exact) {

        /**
         * Copies the counts.
         *
         * @param videos the number of forecasts
         * @param mse squared error
         * @param mae absolute error
         * @param psnr dB
         * @param ssim with the Gaussian window
         * @param uniformSsim with the uniform window
         * @param wideRangeSsim for a data range of 2
         * @param exact the first forecast frame first
         */
        public Result {
            exact = exact.clone();
        }

        /** {@return a copy of the counts, in the order of the frames} */
        @Override
        public int[] exact() {
            return exact.clone();
        }
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
