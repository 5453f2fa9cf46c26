package io.framecast.tools.render;

import io.framecast.data.Video;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/**
 * An animation of a forecast: truth, prediction and their absolute difference side by side; or truth and the
 * predictions of two models.
 *
 * <p>During the context (light grey borders) the middle panel, titled "input", shows the frames that the model is
 * given, and the panel of the difference says "none yet". From the first predicted frame on, the middle panel, titled
 * "prediction" with an orange border, shows the model's output. With two models, both panels have the titles of their
 * models from the first frame on. A caption counts the frames from 1; lines below it say
 * what is reduced or left out.
 *
 * <p>A GIF has at most 256 colours per frame: see {@link GifPalette}.
 */
public final class ComparisonGif {

    /** Small frames are enlarged to about this size. */
    private static final int PANEL_PIXELS = 192;

    private static final int BACKGROUND = 0x17191e;
    private static final int TEXT = 0xd5d9e0;
    private static final int EMPTY = 0x23262d;
    private static final int PLAIN_BORDER = 0x454b56;

    private ComparisonGif() {
    }

    /**
     * Writes the animation.
     *
     * @throws io.framecast.FramecastException if the file cannot be written
     */
    public static void write(Path file, Forecast forecast) {
        FrameSize panel = size(forecast.height(), forecast.width());
        List<Forecast.Row> rows = forecast.rows();
        Layout layout = new Layout(panel, forecast.notes(panel), rows.get(0).title(), rows.get(1).title());
        Animation.write(file, forecast.truth().size(), t -> draw(forecast, rows, t, layout));
    }

    /** The size of frames. */
    static FrameSize size(int height, int width) {
        return FrameSize.of(height, width, PANEL_PIXELS, Forecast.MOST_PIXELS);
    }

    private static Picture draw(Forecast forecast, List<Forecast.Row> rows, int t, Layout layout) {
        Picture picture = new Picture(layout.width(), layout.height(), BACKGROUND);
        Video truth = forecast.truth().get(t);
        boolean seen = t < forecast.seen();
        boolean one = forecast.predictions().size() == 1;
        panel(picture, layout, 0, "truth", seen ? Palette.SEEN : PLAIN_BORDER, truth);
        for (int k = 0; k < rows.size(); k++) {
            Forecast.Row row = rows.get(k);
            if (!seen) {
                panel(picture, layout, k + 1, row.title(), row.isPrediction() ? Palette.PREDICTED : PLAIN_BORDER,
                        row.frames().get(t - forecast.seen()));
            } else if (row.isPrediction()) {
                panel(picture, layout, k + 1, one ? "input" : row.title(), Palette.SEEN, truth);
            } else {
                frame(picture, layout, k + 1, row.title(), EMPTY);
                word(picture, layout, k + 1, "none yet");
            }
        }
        String caption = "frame " + forecast.number(t) + " \u00b7 " + (seen ? "seen" : "predicted");
        int color = seen ? Palette.SEEN : Palette.PREDICTED;
        picture.text(caption, Layout.MARGIN, layout.captionY(), Layout.FONT, color);
        timeline(picture, layout, forecast, t);
        layout.notes().draw(picture, Layout.MARGIN, layout.notesY(), TEXT);
        return picture;
    }

    private static void panel(Picture picture, Layout layout, int panel, String title, int border, Video image) {
        frame(picture, layout, panel, title, border);
        picture.frame(image, layout.panelX(panel), Layout.PANEL_Y, layout.panel());
    }

    /** Draws an empty panel with its title and border. */
    private static void frame(Picture picture, Layout layout, int panel, String title, int border) {
        int x = layout.panelX(panel);
        picture.text(title, x - Layout.BORDER, Layout.MARGIN, Layout.FONT, TEXT);
        picture.fill(x - Layout.BORDER, Layout.PANEL_Y - Layout.BORDER, layout.panel().width() + 2 * Layout.BORDER,
                layout.panel().height() + 2 * Layout.BORDER, border);
        picture.fill(x, Layout.PANEL_Y, layout.panel().width(), layout.panel().height(), EMPTY);
    }

    /** Draws a word in the middle of an empty panel, if it fits. */
    private static void word(Picture picture, Layout layout, int panel, String word) {
        int right = layout.panel().width() - PixelFont.width(word) * Layout.FONT;
        int below = layout.panel().height() - Layout.LINE;
        if (right >= 0 && below >= 0) {
            picture.text(word, layout.panelX(panel) + right / 2, Layout.PANEL_Y + below / 2, Layout.FONT, TEXT);
        }
    }

    /** Draws one tick per frame: past frames in their colour, future frames dark. */
    private static void timeline(Picture picture, Layout layout, Forecast forecast, int t) {
        int frames = forecast.truth().size();
        int left = layout.width() / 2;
        int span = layout.width() - Layout.MARGIN - left;
        for (int i = 0; i < frames; i++) {
            int from = left + i * span / frames;
            int to = left + (i + 1) * span / frames;
            int color = i > t ? EMPTY : i < forecast.seen() ? Palette.SEEN : Palette.PREDICTED;
            picture.fill(from, layout.captionY() + 4, Math.max(1, to - from - 2), 6, color);
        }
    }

    /** The layout for panels of the given size. */
    record Layout(FrameSize panel, Notes notes, String... titles) {

        static final int FONT = 2;
        static final int MARGIN = 12;
        static final int BORDER = 3;
        private static final int GAP = 10;
        private static final int LINE = PixelFont.HEIGHT * FONT;
        static final int PANEL_Y = MARGIN + LINE + 6 + BORDER;

        /** The left edge of a panel's pixels. Narrow panels are spaced so that their titles fit. */
        int panelX(int panel) {
            return MARGIN + BORDER + panel * (columnWidth() + GAP);
        }

        private int columnWidth() {
            int widest = Stream.of(titles).mapToInt(PixelFont::width).max().orElse(0);
            return Math.max(panel.width() + 2 * BORDER, widest * FONT);
        }

        int captionY() {
            return PANEL_Y + panel.height() + BORDER + 12;
        }

        int notesY() {
            return captionY() + LINE + MARGIN - 4;
        }

        /** The width of the picture: three panels, the widest caption in the left half, and the notes fit. */
        int width() {
            int columns = 2 * MARGIN + 3 * columnWidth() + 2 * GAP;
            int caption = 2 * (MARGIN + PixelFont.width("frame 999999 \u00b7 predicted") * FONT);
            return Math.max(Math.max(columns, caption), notes.width() + 2 * MARGIN);
        }

        int height() {
            return notesY() + notes.height(MARGIN - 4);
        }
    }
}
