package io.framecast.tools.render;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntFunction;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;
import javax.imageio.stream.ImageInputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** GIFs, read with two decoders: a strict one of this project, and the JDK's. */
class AnimationTest {

    private static final int FRAMES = 3;
    private static final int WIDTH = 97;
    private static final int HEIGHT = 61;

    @TempDir
    Path directory;

    /** All sizes of colour tables, and code tables that overflow. Many encoders fail with one or two colours. */
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4, 5, 16, 17, 128, 129, 255, 256})
    void asManyColoursAsThereAreOpenEverywhereAsTheyAre(int colors) throws IOException {
        IntFunction<int[]> pixels = t -> {
            int[] rgb = new int[WIDTH * HEIGHT];
            for (int i = 0; i < rgb.length; i++) {
                int color = (i * i / 7 + t * i) % colors;
                rgb[i] = color * 0x010307 & 0xffffff;
            }
            return rgb;
        };
        Path file = directory.resolve(colors + ".gif");
        Animation.write(file, FRAMES, t -> picture(pixels.apply(t)));
        StrictGif gif = StrictGif.read(file);
        List<BufferedImage> images = jdk(file);
        assertEquals(FRAMES, gif.frames().size());
        assertEquals(FRAMES, images.size());
        for (int t = 0; t < FRAMES; t++) {
            assertArrayEquals(pixels.apply(t), gif.frames().get(t), "frame " + t);
            assertArrayEquals(pixels.apply(t), Arrays.stream(images.get(t).getRGB(0, 0, WIDTH, HEIGHT, null, 0, WIDTH))
                    .map(rgb -> rgb & 0xffffff).toArray(), "frame " + t + " by the JDK");
        }
    }

    @Test
    void moreColoursShareOnePaletteThatDoesNotFlicker() throws IOException {
        // 262 greys and other colours; the upper half never changes, while the lower does.
        IntFunction<int[]> pixels = t -> {
            int[] rgb = new int[WIDTH * HEIGHT];
            for (int i = 0; i < rgb.length; i++) {
                rgb[i] = i < rgb.length / 2 ? i % 256 * 0x010101 : (i * 31 + t * 101) % 4096 * 0x000fff & 0xffffff;
            }
            return rgb;
        };
        Path file = directory.resolve("many.gif");
        Animation.write(file, FRAMES, t -> picture(pixels.apply(t)));
        List<int[]> frames = StrictGif.read(file).frames();
        int half = WIDTH * HEIGHT / 2;
        for (int t = 1; t < FRAMES; t++) {
            assertArrayEquals(Arrays.copyOf(frames.get(0), half), Arrays.copyOf(frames.get(t), half), "frame " + t);
        }
        assertTrue(frames.stream().flatMapToInt(Arrays::stream).distinct().count() <= 256);
    }

    @Test
    void aGreyRampWithAFewColoursIsOffByOneLevelAtMost() throws IOException {
        IntFunction<int[]> pixels = t -> {
            int[] rgb = new int[WIDTH * HEIGHT];
            for (int i = 0; i < rgb.length; i++) {
                rgb[i] = i % 300 < 256 ? i % 300 * 0x010101 : i % 300 < 290 ? 0xf28c28 : (i % 10) * 0x112233;
            }
            return rgb;
        };
        Path file = directory.resolve("ramp.gif");
        Animation.write(file, 1, t -> picture(pixels.apply(t)));
        int[] read = StrictGif.read(file).frames().get(0);
        int[] truth = pixels.apply(0);
        for (int i = 0; i < truth.length; i++) {
            if (i % 300 < 256) {
                assertEquals(truth[i] & 0xff, read[i] & 0xff, 1, "pixel " + i);
            } else if (i % 300 < 290) {
                assertEquals(0xf28c28, read[i], "an area of one colour");
            }
        }
    }

    private static Picture picture(int[] rgb) {
        Picture picture = new Picture(WIDTH, HEIGHT, 0);
        System.arraycopy(rgb, 0, picture.pixels, 0, rgb.length);
        return picture;
    }

    private static List<BufferedImage> jdk(Path file) throws IOException {
        ImageReader reader = ImageIO.getImageReadersByFormatName("gif").next();
        try (ImageInputStream in = ImageIO.createImageInputStream(file.toFile())) {
            reader.setInput(in);
            BufferedImage[] images = new BufferedImage[reader.getNumImages(true)];
            for (int t = 0; t < images.length; t++) {
                images[t] = reader.read(t);
            }
            return List.of(images);
        }
    }
}
