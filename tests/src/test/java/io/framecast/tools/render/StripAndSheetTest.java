package io.framecast.tools.render;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.framecast.data.Video;
import io.framecast.data.Videos;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StripAndSheetTest {

    @TempDir
    Path directory;

    @Test
    void stripShowsTruthInFullAndTheForecastUnderTheFutureOnly() throws IOException {
        Video truth = Pictures.ramp(5, 20, 30, 3, 0);
        Video prediction = Pictures.ramp(2, 20, 30, 3, 60);
        Path file = directory.resolve("strip.png");
        FrameStrip.write(file, Pictures.forecast(truth, prediction, 3));
        BufferedImage image = ImageIO.read(file.toFile());
        FrameStrip.Layout layout = new FrameStrip.Layout(Pictures.forecast(truth, prediction, 3));
        assertEquals(new FrameSize(30 * 4, 20 * 4), layout.frame());
        assertEquals(layout.width(), image.getWidth());
        assertEquals(layout.height(), image.getHeight());
        float[] difference = new float[prediction.values().length];
        for (int i = 0; i < difference.length; i++) {
            difference[i] = Math.abs(truth.values()[3 * truth.frameSize() + i] - prediction.values()[i]);
        }
        for (int t = 0; t < 5; t++) {
            assertFrame(truth, t, image, layout.x(t), layout.y(0), 4);
            if (t >= 3) {
                assertFrame(prediction, t - 3, image, layout.x(t), layout.y(1), 4);
                assertFrame(new Video(2, 20, 30, 3, difference), t - 3, image, layout.x(t), layout.y(2), 4);
            } else {
                assertEquals(0xffffff, image.getRGB(layout.x(t) + 30, layout.y(1) + 20) & 0xffffff);
            }
        }
    }

    @Test
    void stripOfTwoModelsShowsTheirPredictionsUnderTheTruth() throws IOException {
        Video truth = Pictures.ramp(4, 20, 30, 1, 0);
        Video one = Pictures.ramp(2, 20, 30, 1, 60);
        Video other = Pictures.ramp(2, 20, 30, 1, 90);
        Forecast forecast = new Forecast(4, 20, 30, Pictures.frames(truth), List.of(
                new Forecast.Prediction("trained 4 min", Pictures.frames(one)),
                new Forecast.Prediction("moving-mnist", Pictures.frames(other))));
        Path file = directory.resolve("two.png");
        FrameStrip.write(file, forecast);
        BufferedImage image = ImageIO.read(file.toFile());
        FrameStrip.Layout layout = new FrameStrip.Layout(forecast);
        for (int t = 2; t < 4; t++) {
            assertFrame(truth, t, image, layout.x(t), layout.y(0), 4);
            assertFrame(one, t - 2, image, layout.x(t), layout.y(1), 4);
            assertFrame(other, t - 2, image, layout.x(t), layout.y(2), 4);
        }
        assertTrue(Pictures.shows(image, "trained 4 min") && Pictures.shows(image, "moving-mnist"));
    }

    @Test
    void sheetShowsTheChosenVideosInOrder() throws IOException {
        Path file = directory.resolve("sheet.png");
        int[] chosen = {4, 0, 12};
        assertEquals("the first of 4 channels, as grey", ContactSheet.write(file, new Ramps(), chosen));
        BufferedImage image = ImageIO.read(file.toFile());
        ContactSheet.Layout layout = ContactSheet.Layout.of(new Ramps(), chosen);
        assertEquals(layout.width(), image.getWidth());
        assertEquals(layout.height(), image.getHeight());
        assertEquals(new FrameSize(8 * 8, 11 * 8), layout.frame());
        for (int row = 0; row < chosen.length; row++) {
            for (int t = 0; t < 3; t++) {
                assertFrame(new Ramps().get(chosen[row]), t, image, layout.x(t), layout.y(row), 8);
            }
        }
    }

    @Test
    void sheetOfLongOrLargeVideosShowsSomeFramesReducedAndSaysSo() throws IOException {
        Path file = directory.resolve("long.png");
        AtomicInteger read = new AtomicInteger();
        Videos videos = new Squares(2000, 512, read);
        String note = ContactSheet.write(file, videos, 0, 3);
        BufferedImage image = ImageIO.read(file.toFile());
        ContactSheet.Layout layout = ContactSheet.Layout.of(videos, new int[] {0, 3});
        assertTrue(image.getWidth() < 4200 && image.getHeight() < 8200, image.toString());
        int columns = layout.frames().length;
        assertTrue(columns >= 30, columns + " columns");
        assertEquals(0, layout.frames()[0]);
        assertEquals(1999, layout.frames()[columns - 1]);
        for (int k = 1; k < columns; k++) {
            assertEquals(1999.0 / (columns - 1), layout.frames()[k] - layout.frames()[k - 1], 1);
        }
        int side = layout.frame().width();
        assertEquals(columns + " of 2000 frames: the first, the last and evenly between; frames of 512x512 pixels "
                + "reduced to " + side + "x" + side, note);
        assertEquals(2 * columns, read.get(), "no other frames are read");
        for (int row = 0; row < 2; row++) {
            for (int k = 0; k < columns; k++) {
                int rgb = image.getRGB(layout.x(k) + side / 2, layout.y(row) + side / 2) & 0xff;
                assertEquals(layout.frames()[k] % 200, rgb, "row " + row + ", column " + k);
            }
        }
        // A hundred rows of large frames, and frames of one pixel by several thousand.
        assertTrue(ContactSheet.Layout.of(videos, IntStream.range(0, 100).toArray()).height() < 8200);
        assertTrue(ContactSheet.Layout.of(new Squares(3, 1, read), new int[] {0}).width() < 4200);
    }

    @Test
    void reducedFramesAreMeansOfWhatIsUnderThem() {
        Video frame = new Video(1, 2, 3, 1, new float[] {0, 3, 6, 6, 9, 12});
        assertArrayEquals(new float[] {3, 6, 9}, new FrameSize(3, 1).reduce(frame).values(), 1e-6f);
        // Three columns become two: each is the mean of one column and half of the middle one.
        assertArrayEquals(new float[] {1, 5, 7, 11}, new FrameSize(2, 2).reduce(frame).values(), 1e-6f);
        Video ramp = Pictures.ramp(1, 50, 70, 3, 5);
        float[] reduced = new FrameSize(31, 17).reduce(ramp).values();
        for (int c = 0; c < 3; c++) {
            assertEquals(mean(ramp.values(), c), mean(reduced, c), 1e-5, "the mean of channel " + c);
        }
        assertEquals(new FrameSize(96, 48), FrameSize.of(2, 4, 96, 500));
        assertEquals(new FrameSize(500, 5), FrameSize.of(10, 1000, 96, 500));
        assertEquals(new FrameSize(500, 1), FrameSize.of(1, 100000, 96, 500));
    }

    private static double mean(float[] values, int channel) {
        return IntStream.range(0, values.length / 3).mapToDouble(i -> values[3 * i + channel]).average().orElseThrow();
    }

    /** Long videos with one grey per frame, which can be read only frame by frame. */
    private record Squares(int frames, int side, AtomicInteger read) implements Videos {

        @Override
        public int count() {
            return 100;
        }

        @Override
        public int height() {
            return side;
        }

        @Override
        public int width() {
            return side;
        }

        @Override
        public int channels() {
            return 1;
        }

        @Override
        public Video get(int index) {
            throw new AssertionError("a whole video is read");
        }

        @Override
        public Video get(int index, int from, int to) {
            assertEquals(1, to - from);
            read.incrementAndGet();
            float[] values = new float[side * side];
            Arrays.fill(values, from % 200 / 255f);
            return new Video(1, side, side, 1, values);
        }
    }

    /** Four channels: neither grey nor RGB, so the first is shown in grey. */
    private static final class Ramps implements Videos {

        @Override
        public int count() {
            return 13;
        }

        @Override
        public int frames() {
            return 3;
        }

        @Override
        public int height() {
            return 11;
        }

        @Override
        public int width() {
            return 8;
        }

        @Override
        public int channels() {
            return 4;
        }

        @Override
        public Video get(int index) {
            return Pictures.ramp(3, 11, 8, 4, 19 * index);
        }
    }

    /** PNG is lossless: every pixel is the 8-bit level nearest to the value. */
    private static void assertFrame(Video video, int t, BufferedImage image, int left, int top, int scale) {
        for (int y = 0; y < video.height() * scale; y++) {
            for (int x = 0; x < video.width() * scale; x++) {
                int rgb = image.getRGB(left + x, top + y);
                for (int c = 0; c < 3; c++) {
                    double value = Pictures.value(video, t, y / scale, x / scale, video.channels() == 3 ? c : 0);
                    assertEquals(255 * value, rgb >> 16 - 8 * c & 0xff, 0.5001, "frame " + t + " at " + x + ", " + y);
                }
            }
        }
    }
}
