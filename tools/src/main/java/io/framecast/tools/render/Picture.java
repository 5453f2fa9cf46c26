package io.framecast.tools.render;

import io.framecast.data.Video;
import io.framecast.files.AtomicFiles;
import java.awt.image.BufferedImage;
import java.awt.image.DataBufferInt;
import java.nio.file.Path;
import java.util.Arrays;
import javax.imageio.ImageIO;

/** An RGB picture with frames and text. Colours are 0xRRGGBB. */
final class Picture {

    static {
        // Otherwise a JDK without the desktop libraries tries to open a display if DISPLAY is set.
        System.setProperty("java.awt.headless", "true");
        // Pictures are small: encodes them in memory instead of in a temporary file.
        ImageIO.setUseCache(false);
    }

    final int width;
    final int height;
    final BufferedImage image;
    /** (height, width), row-major. */
    final int[] pixels;

    Picture(int width, int height, int background) {
        this.width = width;
        this.height = height;
        image = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
        pixels = ((DataBufferInt) image.getRaster().getDataBuffer()).getData();
        Arrays.fill(pixels, background);
    }

    void fill(int x, int y, int width, int height, int rgb) {
        for (int row = y; row < y + height; row++) {
            Arrays.fill(pixels, row * this.width + x, row * this.width + x + width, rgb);
        }
    }

    /** Draws a video of one frame at the given size, with its upper left corner at (x, y). */
    void frame(Video frame, int x, int y, FrameSize size) {
        Video shown = size.reduce(frame);
        int scale = size.width() / shown.width();
        for (int row = 0; row < shown.height(); row++) {
            for (int column = 0; column < shown.width(); column++) {
                fill(x + column * scale, y + row * scale, scale, scale, color(shown, row, column));
            }
        }
    }

    void text(String text, int x, int y, int scale, int rgb) {
        PixelFont.draw(this, text, x, y, scale, rgb);
    }

    void writePng(Path file) {
        AtomicFiles.write(file, out -> ImageIO.write(image, "png", out));
    }

    /** A note on channels that are not shown, or "". */
    static String channelsNote(int channels) {
        return channels == 1 || channels == 3 ? "" : "the first of " + channels + " channels, as grey";
    }

    /** The absolute difference of two videos of the same shape. */
    static Video difference(Video a, Video b) {
        float[] values = new float[a.values().length];
        for (int i = 0; i < values.length; i++) {
            values[i] = Math.abs(a.values()[i] - b.values()[i]);
        }
        return new Video(a.frames(), a.height(), a.width(), a.channels(), values);
    }

    /**
     * The colour of a pixel. Three channels are red, green and blue; of any other number the first channel is shown in
     * grey. Values outside [0, 1] are clipped, NaN is black.
     */
    private static int color(Video video, int row, int column) {
        int at = (row * video.width() + column) * video.channels();
        int first = level(video.values()[at]);
        return video.channels() == 3
                ? first << 16 | level(video.values()[at + 1]) << 8 | level(video.values()[at + 2])
                : first * 0x010101;
    }

    private static int level(float value) {
        return Math.round(Math.max(0, Math.min(1, value)) * 255);
    }
}
