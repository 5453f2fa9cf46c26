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
import java.util.Collections;
import java.util.List;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;
import javax.imageio.metadata.IIOMetadataNode;
import javax.imageio.stream.ImageInputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ComparisonGifTest {

    /** The ramp has all 256 greys; with the other colours there are a few more than a GIF can have. */
    private static final int GREY_BOUND = 1;
    private static final Notes NO_NOTES = new Notes(List.of());
    /** The longest title of a forecast of one model. */
    private static final String TITLE = "prediction";

    @TempDir
    Path directory;

    @Test
    void showsTruthThenPredictionAndDifferenceWithTheSeenFramesMarked() throws IOException {
        Video truth = Pictures.ramp(5, 6, 9, 1, 0);
        Video prediction = Pictures.ramp(2, 6, 9, 1, 40);
        Path file = directory.resolve("new/grey.gif");
        ComparisonGif.write(file, Pictures.forecast(truth, prediction, 3));

        ComparisonGif.Layout layout = new ComparisonGif.Layout(new FrameSize(9 * 21, 6 * 21), NO_NOTES, TITLE);
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
        // During the context there is no difference: except for these words the panel is empty.
        BufferedImage panel = frames.get(2).getSubimage(layout.panelX(2), ComparisonGif.Layout.PANEL_Y, 9 * 21, 6 * 21);
        assertTrue(Pictures.shows(panel, "none yet"));
        for (int y = 0; y < 6 * 21; y++) {
            for (int x = 0; x < 9 * 21; x++) {
                assertTrue(panel.getRGB(x, y) == panel.getRGB(0, 0) || Math.abs(y - 3 * 21) < 10, x + ", " + y);
            }
        }
    }

    @Test
    void showsTwoModelsSideBySideWithTheirTitles() throws IOException {
        Video truth = Pictures.ramp(4, 6, 9, 1, 0);
        Video one = Pictures.ramp(2, 6, 9, 1, 40);
        Video other = Pictures.ramp(2, 6, 9, 1, 80);
        Path file = directory.resolve("two.gif");
        ComparisonGif.write(file, new Forecast(4, 6, 9, Pictures.frames(truth), List.of(
                new Forecast.Prediction("trained 4 min", Pictures.frames(one)),
                new Forecast.Prediction("moving-mnist", Pictures.frames(other)))));
        ComparisonGif.Layout layout = new ComparisonGif.Layout(new FrameSize(9 * 21, 6 * 21), NO_NOTES, TITLE);
        List<BufferedImage> frames = frames(file);
        for (int t = 0; t < 4; t++) {
            BufferedImage frame = frames.get(t);
            assertPanel(frame, layout, 0, 21, truth, t);
            assertPanel(frame, layout, 1, 21, t < 2 ? truth : one, t < 2 ? t : t - 2);
            assertPanel(frame, layout, 2, 21, t < 2 ? truth : other, t < 2 ? t : t - 2);
            assertBorder(t < 2 ? Palette.SEEN : Palette.PREDICTED, frame, layout);
            assertTrue(Pictures.shows(frame, "trained 4 min") && Pictures.shows(frame, "moving-mnist"));
        }
    }

    @Test
    void loopsForeverAndRestsOnTheLastFrame() throws IOException {
        Path file = directory.resolve("loop.gif");
        ComparisonGif.write(file, Pictures.forecast(Pictures.ramp(3, 4, 4, 1, 0), Pictures.ramp(1, 4, 4, 1, 9), 2));
        // The application extension of Netscape 2.0: eleven bytes of name, a block of 3, 1, then the 16-bit count.
        byte[] bytes = Files.readAllBytes(file);
        String text = new String(bytes, StandardCharsets.ISO_8859_1);
        int name = text.indexOf("NETSCAPE2.0");
        assertTrue(name > 0);
        assertArrayEquals(new byte[] {3, 1, 0, 0, 0}, Arrays.copyOfRange(bytes, name + 11, name + 16));
        assertEquals(List.of("15", "15", "150"), delays(file), "hundredths of a second");
    }

    @Test
    void flatColoursStayFlatAmongManyOthers() throws IOException {
        // On the left one colour; on the right all kinds, far more than a GIF has; below a smooth ramp.
        float[] sky = {70 / 255f, 120 / 255f, 200 / 255f};
        int size = 48;
        float[] values = new float[2 * size * size * 3];
        for (int i = 0; i < values.length; i++) {
            int x = i / 3 % size;
            int y = i / 3 / size % size;
            values[i] = x < size / 2 ? sky[i % 3] : y < size / 2 ? i * 7919 % 256 / 255f : (x + y + i % 3 * 30) / 255f;
        }
        Video truth = new Video(2, size, size, 3, values);
        Path file = directory.resolve("colour.gif");
        ComparisonGif.write(file, Pictures.forecast(truth, truth.frames(1, 2), 1));
        ComparisonGif.Layout layout = new ComparisonGif.Layout(new FrameSize(4 * size, 4 * size), NO_NOTES, TITLE);
        for (BufferedImage frame : frames(file)) {
            double error = 0;
            for (int y = 0; y < 4 * size; y++) {
                for (int x = 0; x < 4 * size; x++) {
                    int rgb = frame.getRGB(layout.panelX(1) + x, ComparisonGif.Layout.PANEL_Y + y) & 0xffffff;
                    if (x < 2 * size) {
                        assertEquals(0x4678c8, rgb, x + ", " + y);
                    } else if (y >= 2 * size) {
                        for (int c = 0; c < 3; c++) {
                            error += Math.abs((rgb >> 16 - 8 * c & 0xff)
                                    - 255 * Pictures.value(truth, 0, y / 4, x / 4, c));
                        }
                    }
                }
            }
            // A palette of six levels per channel has steps of 51, and an average error of 13.
            assertTrue(error / (2 * size * 2 * size * 3) < 6, "the ramp is " + error / (2 * size * 2 * size * 3)
                    + " levels off");
        }
    }

    @Test
    void aLongContextIsShownFromItsEndWithTheNumbersOfTheWholeVideo() throws IOException {
        Forecast forecast = new Forecast(1005, 4, 4, Pictures.frames(Pictures.ramp(8, 4, 4, 1, 0)),
                Pictures.predicted(Pictures.frames(Pictures.ramp(5, 4, 4, 1, 9))));
        assertEquals(3, forecast.seen());
        assertEquals(998, forecast.number(0));
        assertEquals(1005, forecast.number(7));
        assertEquals(0, Forecast.firstShown(10));
        assertEquals(980, Forecast.firstShown(1000));
        assertGifShows(forecast, "the last 3 of 1000 seen frames");
        assertStripShows(forecast, "the last 3 of 1000 seen frames");
    }

    @Test
    void whatIsNotShownAsItIsIsSaidInWordsAndInEachPicture() throws IOException {
        assertEquals(List.of("Of the 1000 frames seen, pictures show the last 20.",
                "GIFs show frames of 600x1200 pixels reduced to 256x512.",
                "Strips show frames of 600x1200 pixels reduced to 66x131.",
                "Pictures show the first of 4 channels, as grey."), Forecast.omissions(1000, 10, 600, 1200, 4));
        assertEquals(List.of("Strips show frames of 512x512 pixels reduced to 198x198."),
                Forecast.omissions(10, 10, 512, 512, 1));
        // A strip of few frames, which could show them larger than they are kept.
        assertEquals(List.of("GIFs show frames of 600x600 pixels reduced to 512x512.",
                "Strips show frames of 600x600 pixels reduced to 512x512."), Forecast.omissions(1, 1, 600, 600, 1));
        assertEquals(List.of(), Forecast.omissions(10, 10, 64, 64, 3));

        // GIFs with two frames, because large GIFs are slow; strips with twenty, so that these are reduced.
        List<Video> large = List.of(Forecast.reduced(Pictures.ramp(1, 600, 1200, 2, 0)));
        assertGifShows(new Forecast(2, 600, 1200, Collections.nCopies(2, large.get(0)), Pictures.predicted(large)),
                "frames of 600x1200 pixels reduced to 256x512", "the first of 2 channels, as grey");
        assertStripShows(new Forecast(20, 600, 1200, Collections.nCopies(20, large.get(0)), Pictures.predicted(large)),
                "frames of 600x1200 pixels reduced to 99x198", "the first of 2 channels, as grey");
        Video square = Pictures.ramp(20, 512, 512, 1, 0);
        assertGifShows(Pictures.forecast(square.frames(18, 20), square.frames(19, 20), 1));
        assertStripShows(Pictures.forecast(square, square.frames(19, 20), 19),
                "frames of 512x512 pixels reduced to 198x198");
        Video small = Pictures.ramp(20, 8, 8, 3, 0);
        assertGifShows(Pictures.forecast(small, small.frames(19, 20), 19));
        assertStripShows(Pictures.forecast(small, small.frames(19, 20), 19));
    }

    /** Asserts that the last frame of the GIF has exactly these lines, and the space for them. */
    private void assertGifShows(Forecast forecast, String... lines) throws IOException {
        Path gif = directory.resolve("said.gif");
        ComparisonGif.write(gif, forecast);
        List<BufferedImage> frames = frames(gif);
        BufferedImage last = frames.get(frames.size() - 1);
        FrameSize panel = ComparisonGif.size(forecast.height(), forecast.width());
        assertEquals(List.of(lines), forecast.notes(panel).lines());
        for (String line : lines) {
            assertTrue(Pictures.shows(last, line), line);
        }
        assertEquals(new ComparisonGif.Layout(panel, NO_NOTES, TITLE).height() + noteRoom(List.of(lines), 8),
                last.getHeight());
    }

    /** Asserts that the strip has exactly these lines, and the space for them. */
    private void assertStripShows(Forecast forecast, String... lines) throws IOException {
        Path strip = directory.resolve("said.png");
        FrameStrip.write(strip, forecast);
        BufferedImage image = ImageIO.read(strip.toFile());
        for (String line : lines) {
            assertTrue(Pictures.shows(image, line), line);
        }
        FrameStrip.Layout layout = new FrameStrip.Layout(forecast);
        assertEquals(List.of(lines), layout.notes().lines());
        assertEquals(layout.notesY() + noteRoom(List.of(lines), 10), image.getHeight());
    }

    private static int noteRoom(List<String> lines, int below) {
        return lines.isEmpty() ? 0 : 20 * lines.size() - 2 + below;
    }

    @Test
    void notesWiderThanTheirPictureWidenIt() throws IOException {
        Video thin = Pictures.ramp(2, 2000, 2, 1, 0);
        Path strip = directory.resolve("thin.png");
        FrameStrip.write(strip, Pictures.forecast(thin, thin.frames(1, 2), 1));
        assertTrue(Pictures.shows(ImageIO.read(strip.toFile()), "frames of 2000x2 pixels reduced to 512x1"));
    }

    @Test
    void hugeFramesAreReducedToMeansSoThatPicturesHaveABound() throws IOException {
        Video large = Pictures.ramp(3, 60, 2400, 1, 0);
        Path gif = directory.resolve("large.gif");
        Path strip = directory.resolve("large.png");
        Forecast forecast = Pictures.forecast(large, large.frames(2, 3), 2);
        ComparisonGif.write(gif, forecast);
        FrameStrip.write(strip, forecast);
        assertEquals(new ComparisonGif.Layout(new FrameSize(512, 13), NO_NOTES, TITLE).width(),
                frames(gif).get(0).getWidth());
        assertTrue(ImageIO.read(strip.toFile()).getWidth() < 4200);
    }

    @Test
    void refusesAForecastThatDoesNotFitTheVideo() {
        List<Video> one = Pictures.frames(Pictures.ramp(1, 4, 4, 1, 0));
        assertThrows(IllegalArgumentException.class, () -> new Forecast(5, 4, 4, one, List.of()));
        assertThrows(IllegalArgumentException.class,
                () -> new Forecast(5, 4, 4, one, Pictures.predicted(Pictures.frames(Pictures.ramp(2, 4, 4, 1, 0)))));
        assertThrows(IllegalArgumentException.class, () -> new Forecast(0, 4, 4, one, Pictures.predicted(one)));
        assertThrows(IllegalArgumentException.class,
                () -> new Forecast(5, 4, 4, one, Pictures.predicted(Pictures.frames(Pictures.ramp(1, 4, 5, 1, 0)))));
    }

    private static void assertPanel(BufferedImage image, ComparisonGif.Layout layout, int panel, int scale, Video video,
            int t) {
        for (int y = 0; y < video.height() * scale; y++) {
            for (int x = 0; x < video.width() * scale; x++) {
                double expected = 255 * Pictures.value(video, t, y / scale, x / scale, 0);
                int rgb = image.getRGB(layout.panelX(panel) + x, ComparisonGif.Layout.PANEL_Y + y);
                assertEquals((rgb & 0xff) * 0x010101, rgb & 0xffffff, "a neutral grey");
                assertEquals(expected, rgb & 0xff, GREY_BOUND + 0.5001, "frame " + t + " panel " + panel);
            }
        }
    }

    private static void assertBorder(int color, BufferedImage image, ComparisonGif.Layout layout) {
        int left = layout.panelX(1) - 1;
        int right = layout.panelX(1) + layout.panel().width();
        int top = ComparisonGif.Layout.PANEL_Y - 1;
        int bottom = ComparisonGif.Layout.PANEL_Y + layout.panel().height();
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
