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

    /** Both sides compute in float64 from the same float32 values: only the order of the sums differs. */
    private static final double TOLERANCE = 1e-10;

    @Test
    void agreesWithNumPyOnColourVideos() throws IOException {
        compareWithReference("color", 2, 3, 17, 14, 3);
    }

    @Test
    void shrinksTheSsimWindowInFramesLowerThanIt() throws IOException {
        compareWithReference("small", 1, 2, 8, 20, 1);
    }

    @Test
    void perfectForecastScoresAHundredDecibelsAndFullSimilarity() {
        Video video = video(0, 2, 12, 12, 1, 0);
        ForecastScores scores = new ForecastScores();
        scores.add(video, video);
        assertEquals(0, scores.result().mse().mean());
        assertEquals(0, scores.result().mae().mean());
        assertEquals(100, scores.result().psnr().mean(), TOLERANCE);
        assertEquals(1, scores.result().ssim().mean(), TOLERANCE);
    }

    @Test
    void baselineRepeatsTheLastSeenFrame() {
        Video seen = new Video(3, 1, 2, 1, new float[] {.1f, .2f, .3f, .4f, .5f, .6f});
        Video forecast = ForecastScores.repeatLastFrame(seen, 2);
        assertEquals(2, forecast.frames());
        assertArrayEquals(new float[] {.5f, .6f, .5f, .6f}, forecast.values());
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
    void refusesForecastsOfAnotherShapeAndAnEmptySum() {
        ForecastScores scores = new ForecastScores();
        assertThrows(IllegalStateException.class, scores::result);
        IllegalArgumentException e = assertThrows(IllegalArgumentException.class,
                () -> scores.add(video(0, 2, 12, 12, 1, 0), video(0, 2, 12, 13, 1, 0)));
        assertTrue(e.getMessage().contains("2 frames of 12x13x1 with 2 frames of 12x12x1"), e.getMessage());
    }

    private static void compareWithReference(String name, int videos, int frames, int height, int width, int channels)
            throws IOException {
        ForecastScores scores = new ForecastScores();
        for (int n = 0; n < videos; n++) {
            scores.add(video(n, frames, height, width, channels, 0), video(n, frames, height, width, channels, 1));
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
    }

    private static void assertMetric(Properties reference, String key, Metric metric) {
        double[] expected = Arrays.stream(reference.getProperty(key).split(",")).mapToDouble(Double::parseDouble)
                .toArray();
        double scale = Arrays.stream(expected).map(Math::abs).max().orElseThrow();
        assertArrayEquals(expected, metric.perFrame(), TOLERANCE * scale, key);
        assertEquals(Arrays.stream(expected).average().orElseThrow(), metric.mean(), TOLERANCE * scale, key);
    }

    /** The same whole numbers as forecast_scores.py, so that both start from the same float32 values. */
    private static Video video(int number, int frames, int height, int width, int channels, int mix) {
        float[] values = new float[frames * height * width * channels];
        int i = 0;
        for (int t = 0; t < frames; t++) {
            for (int y = 0; y < height; y++) {
                for (int x = 0; x < width; x++) {
                    for (int c = 0; c < channels; c++) {
                        int truth = (x * 11 + y * 7 + x * y % 17 * 5 + t * 29 + c * 37 + number * 53) % 256;
                        int other = (x * 91 + y * 57 + t * 13 + c * 71 + number * 17) % 256;
                        values[i++] = (float) ((mix * other + (4 - mix) * truth) / 4 / 255.0);
                    }
                }
            }
        }
        return new Video(frames, height, width, channels, values);
    }
}
