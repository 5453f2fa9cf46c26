package io.framecast.tools.render;

import com.squareup.gifencoder.GifEncoder;
import com.squareup.gifencoder.ImageOptions;
import io.framecast.AtomicFiles;
import io.framecast.data.Video;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

/**
 * An animation of a forecast: truth, prediction and their absolute difference side by side.
 *
 * <p>While the model watches (light grey borders), the middle panel shows the frames it is given and is titled
 * "input", and the difference is left empty: nothing is predicted yet. From the first forecast frame on the
 * middle panel is the model's own, titled "prediction", with an orange border. A caption counts the frames from 1.
 *
 * <p>A GIF frame has at most 256 colours. Grey videos use the 52 greys that are multiples of 5, so a pixel is at
 * most 2 of 255 off; colour videos use six levels a channel, dithered in a fixed 4x4 pattern that keeps greys
 * neutral and does not flicker. Other numbers of channels show the first channel in grey.
 */
public final class ComparisonGif {

    private static final int PANEL_PIXELS = 192;
    private static final long FRAME_MILLIS = 150;
    private static final long LAST_FRAME_MILLIS = 1500;

    private static final int BACKGROUND = 0x17191e;
    private static final int TEXT = 0xd5d9e0;
    private static final int EMPTY = 0x23262d;
    private static final int PLAIN_BORDER = 0x454b56;

    private static final int GREY_STEP = 5;
    private static final int COLOR_STEP = 51;
    /** Ordered dithering (Bayer 1973): thresholds in sixteenths. */
    private static final int[][] BAYER = {{0, 8, 2, 10}, {12, 4, 14, 6}, {3, 11, 1, 9}, {15, 7, 13, 5}};

    private ComparisonGif() {
    }

    /** Writes the animation with panels of about 192 pixels. */
    public static void write(Path file, Video truth, Video prediction, int context) {
        write(file, truth, prediction, context,
                Math.max(1, PANEL_PIXELS / Math.max(truth.height(), truth.width())));
    }

    /**
     * Writes the animation.
     *
     * @param truth      the whole video: context and what came after it
     * @param prediction the forecast frames only
     * @param context    the number of frames that the model was shown
     * @param scale      picture pixels for a pixel of the video
     * @throws IllegalArgumentException if {@code prediction} does not continue {@code truth}'s first frames
     * @throws io.framecast.FramecastException if the file cannot be written
     */
    public static void write(Path file, Video truth, Video prediction, int context, int scale) {
        Forecast forecast = new Forecast(truth, prediction, context);
        Layout layout = new Layout(truth.width() * scale, truth.height() * scale);
        AtomicFiles.write(file, out -> {
            GifEncoder gif = new GifEncoder(out, layout.width(), layout.height(), 0);
            for (int t = 0; t < truth.frames(); t++) {
                Picture picture = draw(forecast, t, layout, scale);
                boolean last = t == truth.frames() - 1;
                gif.addImage(picture.pixels, picture.width, new ImageOptions()
                        .setDelay(last ? LAST_FRAME_MILLIS : FRAME_MILLIS, TimeUnit.MILLISECONDS));
            }
            gif.finishEncoding();
        });
    }

    private static Picture draw(Forecast forecast, int t, Layout layout, int scale) {
        Picture picture = new Picture(layout.width(), layout.height(), BACKGROUND);
        boolean seen = t < forecast.context();
        if (seen) {
            panel(picture, layout, 0, "truth", Palette.SEEN, forecast.truth(), t, scale);
            panel(picture, layout, 1, "input", Palette.SEEN, forecast.truth(), t, scale);
            frame(picture, layout, 2, "difference", EMPTY);
        } else {
            int future = t - forecast.context();
            panel(picture, layout, 0, "truth", PLAIN_BORDER, forecast.truth(), t, scale);
            panel(picture, layout, 1, "prediction", Palette.PREDICTED, forecast.prediction(), future, scale);
            panel(picture, layout, 2, "difference", PLAIN_BORDER, forecast.difference(), future, scale);
        }
        String caption = "frame " + (t + 1) + " \u00b7 " + (seen ? "seen" : "predicted");
        int color = seen ? Palette.SEEN : Palette.PREDICTED;
        picture.text(caption, Layout.MARGIN, layout.captionY(), Layout.FONT, color);
        timeline(picture, layout, forecast, t);
        return picture;
    }

    private static void panel(Picture picture, Layout layout, int panel, String title, int border, Video video,
            int t, int scale) {
        frame(picture, layout, panel, title, border);
        int x = layout.panelX(panel);
        picture.frame(video, t, x, Layout.PANEL_Y, scale);
        reduceColors(picture, x, layout, video.channels() == 3);
    }

    /** An empty panel with its title above and its border around. */
    private static void frame(Picture picture, Layout layout, int panel, String title, int border) {
        int x = layout.panelX(panel);
        picture.text(title, x - Layout.BORDER, Layout.MARGIN, Layout.FONT, TEXT);
        picture.fill(x - Layout.BORDER, Layout.PANEL_Y - Layout.BORDER, layout.panelWidth() + 2 * Layout.BORDER,
                layout.panelHeight() + 2 * Layout.BORDER, border);
        picture.fill(x, Layout.PANEL_Y, layout.panelWidth(), layout.panelHeight(), EMPTY);
    }

    /** One tick a frame: those gone by in their colour, those to come dark. */
    private static void timeline(Picture picture, Layout layout, Forecast forecast, int t) {
        int frames = forecast.truth().frames();
        int left = layout.width() / 2;
        int span = layout.width() - Layout.MARGIN - left;
        for (int i = 0; i < frames; i++) {
            int from = left + i * span / frames;
            int to = left + (i + 1) * span / frames;
            int color = i > t ? EMPTY : i < forecast.context() ? Palette.SEEN : Palette.PREDICTED;
            picture.fill(from, layout.captionY() + 4, Math.max(1, to - from - 2), 6, color);
        }
    }

    private static void reduceColors(Picture picture, int left, Layout layout, boolean color) {
        for (int y = Layout.PANEL_Y; y < Layout.PANEL_Y + layout.panelHeight(); y++) {
            for (int x = left; x < left + layout.panelWidth(); x++) {
                int at = y * picture.width + x;
                int rgb = picture.pixels[at];
                if (color) {
                    double threshold = (BAYER[y & 3][x & 3] + 0.5) / 16;
                    picture.pixels[at] = dither(rgb >> 16, threshold) << 16 | dither(rgb >> 8 & 0xff, threshold) << 8
                            | dither(rgb & 0xff, threshold);
                } else {
                    picture.pixels[at] = ((rgb & 0xff) + GREY_STEP / 2) / GREY_STEP * GREY_STEP * 0x010101;
                }
            }
        }
    }

    private static int dither(int level, double threshold) {
        return (int) ((double) level / COLOR_STEP + threshold) * COLOR_STEP;
    }

    /** Where things are, for panels of the given size in picture pixels. */
    record Layout(int panelWidth, int panelHeight) {

        static final int FONT = 2;
        static final int MARGIN = 12;
        static final int BORDER = 3;
        private static final int GAP = 10;
        private static final int LINE = PixelFont.HEIGHT * FONT;
        static final int PANEL_Y = MARGIN + LINE + 6 + BORDER;

        /** The left edge of a panel's pixels. Narrow panels still leave room for their title. */
        int panelX(int panel) {
            return MARGIN + BORDER + panel * (columnWidth() + GAP);
        }

        private int columnWidth() {
            return Math.max(panelWidth + 2 * BORDER, PixelFont.width("prediction") * FONT);
        }

        int captionY() {
            return PANEL_Y + panelHeight + BORDER + 12;
        }

        /** Room for three columns, and for the widest caption in the left half. */
        int width() {
            int columns = 2 * MARGIN + 3 * columnWidth() + 2 * GAP;
            int caption = 2 * (MARGIN + PixelFont.width("frame 9999 \u00b7 predicted") * FONT);
            return Math.max(columns, caption);
        }

        int height() {
            return captionY() + LINE + MARGIN - 4;
        }
    }
}
