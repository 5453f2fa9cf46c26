package io.framecast.predict;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.framecast.data.Video;
import io.framecast.predict.ForecastScores.Metric;
import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;
import java.util.Properties;
import org.junit.jupiter.api.Test;

class ForecastScoresTest {

    /** Both implementations compute in float64 from the same float32 values: only the order of the sums differs. */
    private static final double TOLERANCE = 1e-10;

    @Test
    void agreesWithNumPyOnColourVideos() throws IOException {
        compareWithReference("color", 2, 3, 17, 14, 3, 1);
    }

    @Test
    void shrinksTheSsimWindowInFramesLowerThanIt() throws IOException {
        compareWithReference("small", 1, 2, 8, 20, 1, 1);
    }

    /** MSE and MAE as they are; PSNR and SSIM of predictions clipped to [0, 1]. */
    @Test
    void clipsPredictionsForPsnrAndSsim() throws IOException {
        compareWithReference("stretched", 2, 2, 5, 12, 1, 1.5);
    }

    @Test
    void perfectForecastScoresAHundredDecibelsAndFullSimilarity() {
        ForecastScores scores = new ForecastScores(2);
        add(scores, video(0, 2, 12, 12, 1, 0), video(0, 2, 12, 12, 1, 0));
        assertEquals(0, scores.result().mse().mean());
        assertEquals(0, scores.result().mae().mean());
        assertEquals(100, scores.result().psnr().mean(), TOLERANCE);
        assertEquals(1, scores.result().ssim().mean(), TOLERANCE);
        assertArrayEquals(new int[] {1, 1}, scores.result().exact());
        scores.add(1, video(0, 1, 12, 12, 1, 0), video(0, 1, 12, 12, 1, 1));
        scores.add(0, video(0, 1, 12, 12, 1, 0), video(0, 1, 12, 12, 1, 0));
        assertArrayEquals(new int[] {2, 1}, scores.result().exact());
    }

    /** The largest finite values, and the widest range within one frame. */
    @Test
    void finiteFramesHaveFiniteScores() {
        Video truth = video(0, 1, 12, 12, 1, 0);
        for (float large : new float[] {Float.MAX_VALUE, -Float.MAX_VALUE, 1e30f, Float.MIN_VALUE}) {
            for (boolean all : new boolean[] {true, false}) {
                float[] values = new float[144];
                Arrays.fill(values, 0, all ? 144 : 72, large);
                ForecastScores scores = new ForecastScores(1);
                scores.add(0, truth, new Video(1, 12, 12, 1, values));
                ForecastScores.Result result = scores.result();
                for (Metric metric : new Metric[] {result.mse(), result.mae(), result.psnr(), result.ssim(),
                    result.uniformSsim(), result.wideRangeSsim()}) {
                    assertTrue(Double.isFinite(metric.mean()), large + ": " + result);
                }
            }
        }
    }

    @Test
    void aForecastWithFortyPercentLessErrorIsSaidToBe() {
        assertEquals(0.4, new Metric(new double[] {5, 7}).reductionFrom(new Metric(new double[] {8, 12})), 1e-12);
    }

    @Test
    void resultsCannotBeChangedFromOutside() {
        Metric metric = new Metric(new double[] {1, 2});
        metric.perFrame()[0] = 9;
        assertEquals(1.5, metric.mean());
    }

    @Test
    void refusesForecastsOfAnotherShapeThatLackFramesAndAnEmptySum() {
        ForecastScores scores = new ForecastScores(2);
        assertThrows(IllegalStateException.class, scores::result);
        scores.add(0, video(0, 1, 12, 12, 1, 0), video(0, 1, 12, 12, 1, 0));
        assertThrows(IllegalStateException.class, scores::result);
        IllegalArgumentException e = assertThrows(IllegalArgumentException.class,
                () -> scores.add(1, video(0, 1, 12, 12, 1, 0), video(0, 1, 12, 13, 1, 0)));
        assertTrue(e.getMessage().contains("1 frames of 12x13x1 with one frame of 12x12x1"), e.getMessage());
    }

    private static void add(ForecastScores scores, Video truth, Video prediction) {
        for (int t = 0; t < truth.frames(); t++) {
            scores.add(t, truth.frames(t, t + 1), prediction.frames(t, t + 1));
        }
    }

    private static void compareWithReference(String name, int videos, int frames, int height, int width, int channels,
            double stretch) throws IOException {
        ForecastScores scores = new ForecastScores(frames);
        for (int n = 0; n < videos; n++) {
            add(scores, video(n, frames, height, width, channels, 0, 1),
                    video(n, frames, height, width, channels, 1, stretch));
        }
        Properties reference = new Properties();
        try (InputStream in = ForecastScoresTest.class.getResourceAsStream("forecast-scores.properties")) {
            reference.load(in);
        }
        ForecastScores.Result result = scores.result();
        assertEquals(videos, result.videos());
        assertMetric(reference, name + ".mse", result.mse());
        assertMetric(reference, name + ".mae", result.mae());
        assertMetric(reference, name + ".psnr", result.psnr());
        assertMetric(reference, name + ".ssim", result.ssim());
        assertMetric(reference, name + ".uniform", result.uniformSsim());
        assertMetric(reference, name + ".wide", result.wideRangeSsim());
    }

    private static void assertMetric(Properties reference, String key, Metric metric) {
        double[] expected = Arrays.stream(reference.getProperty(key).split(",")).mapToDouble(Double::parseDouble)
                .toArray();
        double scale = Arrays.stream(expected).map(Math::abs).max().orElseThrow();
        assertArrayEquals(expected, metric.perFrame(), TOLERANCE * scale, key);
        assertEquals(Arrays.stream(expected).average().orElseThrow(), metric.mean(), TOLERANCE * scale, key);
    }

    /** The same integers as in forecast_scores.py, so that both start from the same float32 values. */
    private static Video video(int number, int frames, int height, int width, int channels, int mix) {
        return video(number, frames, height, width, channels, mix, 1);
    }

    private static Video video(int number, int frames, int height, int width, int channels, int mix, double stretch) {
        float[] values = new float[frames * height * width * channels];
        int i = 0;
        for (int t = 0; t < frames; t++) {
            for (int y = 0; y < height; y++) {
                for (int x = 0; x < width; x++) {
                    for (int c = 0; c < channels; c++) {
                        int truth = (x * 11 + y * 7 + x * y % 17 * 5 + t * 29 + c * 37 + number * 53) % 256;
                        int other = (x * 91 + y * 57 + t * 13 + c * 71 + number * 17) % 256;
                        values[i++] = (float) (0.5 + stretch * ((mix * other + (4 - mix) * truth) / 4 / 255.0 - 0.5));
                    }
                }
            }
        }
        return new Video(frames, height, width, channels, values);
    }
}
