package io.framecast.tools.render;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.framecast.data.Video;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;
import javax.imageio.metadata.IIOMetadataNode;
import javax.imageio.stream.ImageInputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ComparisonGifTest {

    /** Greys are rounded to multiples of 5, and a value of [0, 1] to a level of 255 before. */
    private static final int GREY_BOUND = 2;

    @TempDir
    Path directory;

    @Test
    void showsTruthThenPredictionAndDifferenceWithTheSeenFramesMarked() throws IOException {
        Video truth = Pictures.ramp(5, 6, 9, 1, 0);
        Video prediction = Pictures.ramp(2, 6, 9, 1, 40);
        Path file = directory.resolve("new/grey.gif");
        ComparisonGif.write(file, truth, prediction, 3);

        ComparisonGif.Layout layout = new ComparisonGif.Layout(9 * 21, 6 * 21);
        List<BufferedImage> frames = frames(file);
        assertEquals(5, frames.size());
        for (int t = 0; t < 5; t++) {
            BufferedImage frame = frames.get(t);
            assertEquals(layout.width(), frame.getWidth());
            assertEquals(layout.height(), frame.getHeight());
            assertPanel(frame, layout, 0, 21, truth, t);
            if (t < 3) {
                assertPanel(frame, layout, 1, 21, truth, t);
                assertBorder(Palette.SEEN, frame, layout);
            } else {
                assertPanel(frame, layout, 1, 21, prediction, t - 3);
                assertPanel(frame, layout, 2, 21, difference(truth, prediction, 3), t - 3);
                assertBorder(Palette.PREDICTED, frame, layout);
            }
        }
        int empty = frames.get(0).getRGB(layout.panelX(2), ComparisonGif.Layout.PANEL_Y);
        for (int y = 0; y < 6 * 21; y++) {
            for (int x = 0; x < 9 * 21; x++) {
                assertEquals(empty, frames.get(2).getRGB(layout.panelX(2) + x, ComparisonGif.Layout.PANEL_Y + y),
                        "no difference is claimed while nothing is predicted");
            }
        }
    }

    @Test
    void loopsForeverAndRestsOnTheLastFrame() throws IOException {
        Path file = directory.resolve("loop.gif");
        ComparisonGif.write(file, Pictures.ramp(3, 4, 4, 1, 0), Pictures.ramp(1, 4, 4, 1, 9), 2, 2);
        // The application extension of Netscape 2.0: eleven bytes of name, a block of 3, 1, then the 16-bit count.
        byte[] bytes = Files.readAllBytes(file);
        String text = new String(bytes, StandardCharsets.ISO_8859_1);
        int name = text.indexOf("NETSCAPE2.0");
        assertTrue(name > 0);
        assertArrayEquals(new byte[] {3, 1, 0, 0, 0}, Arrays.copyOfRange(bytes, name + 11, name + 16));
        assertEquals(List.of("15", "15", "150"), delays(file), "hundredths of a second");
    }

    @Test
    void colourVideosKeepTheirColoursOnAverage() throws IOException {
        // One colour a frame, so that a panel's average can be compared; 16x16 pixels hold whole dither cells.
        Video truth = flat(2, 16, 16, .2f, .5f, .9f);
        Path file = directory.resolve("colour.gif");
        ComparisonGif.write(file, truth, truth.frames(1, 2), 1, 1);
        ComparisonGif.Layout layout = new ComparisonGif.Layout(16, 16);
        BufferedImage frame = frames(file).get(1);
        double[] sums = new double[3];
        for (int y = 0; y < 16; y++) {
            for (int x = 0; x < 16; x++) {
                int rgb = frame.getRGB(layout.panelX(1) + x, ComparisonGif.Layout.PANEL_Y + y);
                for (int c = 0; c < 3; c++) {
                    sums[c] += rgb >> 16 - 8 * c & 0xff;
                }
            }
        }
        // Sixteen thresholds between levels 51 apart: the mean is within 51/32, and 0.5 for the level of 255.
        assertEquals(.2 * 255, sums[0] / 256, 51 / 32.0 + 0.5);
        assertEquals(.5 * 255, sums[1] / 256, 51 / 32.0 + 0.5);
        assertEquals(.9 * 255, sums[2] / 256, 51 / 32.0 + 0.5);
    }

    @Test
    void refusesAForecastThatDoesNotFitTheVideo() {
        Path file = directory.resolve("none.gif");
        IllegalArgumentException e = assertThrows(IllegalArgumentException.class, () -> ComparisonGif.write(file,
                Pictures.ramp(5, 4, 4, 1, 0), Pictures.ramp(3, 4, 4, 1, 0), 3));
        assertTrue(e.getMessage().contains("3 frames of 4x4x1 after 3 seen frames does not fit a video of 5 frames"));
        assertTrue(Files.notExists(file));
    }

    private static void assertPanel(BufferedImage image, ComparisonGif.Layout layout, int panel, int scale, Video video,
            int t) {
        for (int y = 0; y < video.height() * scale; y++) {
            for (int x = 0; x < video.width() * scale; x++) {
                double expected = 255 * Pictures.value(video, t, y / scale, x / scale, 0);
                int rgb = image.getRGB(layout.panelX(panel) + x, ComparisonGif.Layout.PANEL_Y + y);
                assertEquals((rgb & 0xff) * 0x010101, rgb & 0xffffff, "a neutral grey");
                assertEquals(expected, rgb & 0xff, GREY_BOUND + 0.5, "frame " + t + " panel " + panel);
            }
        }
    }

    private static void assertBorder(int color, BufferedImage image, ComparisonGif.Layout layout) {
        int left = layout.panelX(1) - 1;
        int right = layout.panelX(1) + layout.panelWidth();
        int top = ComparisonGif.Layout.PANEL_Y - 1;
        int bottom = ComparisonGif.Layout.PANEL_Y + layout.panelHeight();
        for (int y = top; y <= bottom; y++) {
            assertEquals(color, image.getRGB(left, y) & 0xffffff);
            assertEquals(color, image.getRGB(right, y) & 0xffffff);
        }
        for (int x = left; x <= right; x++) {
            assertEquals(color, image.getRGB(x, top) & 0xffffff);
            assertEquals(color, image.getRGB(x, bottom) & 0xffffff);
        }
    }

    private static Video difference(Video truth, Video prediction, int context) {
        float[] values = new float[prediction.values().length];
        for (int i = 0; i < values.length; i++) {
            values[i] = Math.abs(prediction.values()[i] - truth.values()[context * truth.frameSize() + i]);
        }
        return new Video(prediction.frames(), truth.height(), truth.width(), 1, values);
    }

    private static Video flat(int frames, int height, int width, float... color) {
        float[] values = new float[frames * height * width * color.length];
        for (int i = 0; i < values.length; i++) {
            values[i] = color[i % color.length];
        }
        return new Video(frames, height, width, color.length, values);
    }

    private static List<BufferedImage> frames(Path file) throws IOException {
        try (ImageInputStream in = ImageIO.createImageInputStream(file.toFile())) {
            ImageReader reader = ImageIO.getImageReadersByFormatName("gif").next();
            reader.setInput(in);
            List<BufferedImage> frames = new ArrayList<>();
            for (int i = 0; i < reader.getNumImages(true); i++) {
                frames.add(reader.read(i));
            }
            return frames;
        }
    }

    private static List<String> delays(Path file) throws IOException {
        try (ImageInputStream in = ImageIO.createImageInputStream(file.toFile())) {
            ImageReader reader = ImageIO.getImageReadersByFormatName("gif").next();
            reader.setInput(in);
            List<String> delays = new ArrayList<>();
            for (int i = 0; i < reader.getNumImages(true); i++) {
                IIOMetadataNode root = (IIOMetadataNode) reader.getImageMetadata(i)
                        .getAsTree("javax_imageio_gif_image_1.0");
                IIOMetadataNode control = (IIOMetadataNode) root.getElementsByTagName("GraphicControlExtension")
                        .item(0);
                delays.add(control.getAttribute("delayTime"));
            }
            return delays;
        }
    }
}
