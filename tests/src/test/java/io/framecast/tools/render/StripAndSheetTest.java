package io.framecast.tools.render;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.framecast.data.Video;
import io.framecast.data.Videos;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Path;
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
        FrameStrip.write(file, truth, prediction, 3, 2);
        BufferedImage image = ImageIO.read(file.toFile());
        FrameStrip.Layout layout = new FrameStrip.Layout(truth, 3, 2);
        assertEquals(layout.width(), image.getWidth());
        assertEquals(layout.height(), image.getHeight());
        float[] difference = new float[prediction.values().length];
        for (int i = 0; i < difference.length; i++) {
            difference[i] = Math.abs(truth.values()[3 * truth.frameSize() + i] - prediction.values()[i]);
        }
        for (int t = 0; t < 5; t++) {
            assertFrame(truth, t, image, layout.x(t), layout.y(0), 2);
            if (t >= 3) {
                assertFrame(prediction, t - 3, image, layout.x(t), layout.y(1), 2);
                assertFrame(new Video(2, 20, 30, 3, difference), t - 3, image, layout.x(t), layout.y(2), 2);
            } else {
                assertEquals(0xffffff, image.getRGB(layout.x(t) + 30, layout.y(1) + 20) & 0xffffff);
            }
        }
    }

    @Test
    void sheetShowsTheChosenVideosInOrder() throws IOException {
        Path file = directory.resolve("sheet.png");
        int[] chosen = {4, 0, 12};
        ContactSheet.write(file, new Ramps(), chosen);
        BufferedImage image = ImageIO.read(file.toFile());
        ContactSheet.Layout layout = new ContactSheet.Layout(new Ramps(), chosen);
        assertEquals(layout.width(), image.getWidth());
        assertEquals(layout.height(), image.getHeight());
        assertEquals(96 / 11, layout.scale());
        for (int row = 0; row < chosen.length; row++) {
            for (int t = 0; t < 3; t++) {
                assertFrame(new Ramps().get(chosen[row]), t, image, layout.x(t), layout.y(row), layout.scale());
            }
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

    /** PNG loses nothing: every pixel is the 8-bit level nearest to the value. */
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
