package io.framecast.tools.render;

import java.nio.file.Path;
import java.util.List;

/**
 * A forecast as one PNG, for papers: a row of true frames (context and future), and below the future frames the
 * predictions and the absolute differences, or the predictions of two models. Columns are numbered from 1; a
 * grey bar marks the context and an orange one
 * the forecast. Lines below say what is reduced or left out.
 */
public final class FrameStrip {

    private static final int FONT = 2;
    /** Small frames are enlarged to about this size; large ones are reduced until all of them fit. */
    private static final int FRAME_PIXELS = 128;
    private static final int ROOM = 4000;
    private static final int MARGIN = 10;
    /** The gap between frames, and that between context and forecast. */
    private static final int SEPARATOR = 2;
    private static final int NOW = 8;
    private static final int BAR = 4;
    private static final String TRUTH = "truth";

    private FrameStrip() {
    }

    /**
     * Writes the strip.
     *
     * @throws io.framecast.FramecastException if the file cannot be written
     */
    public static void write(Path file, Forecast forecast) {
        Layout layout = new Layout(forecast);
        Picture picture = new Picture(layout.width(), layout.height(), Palette.PAPER);
        List<Forecast.Row> rows = forecast.rows();
        label(picture, layout, 0, TRUTH);
        for (int k = 0; k < rows.size(); k++) {
            label(picture, layout, k + 1, rows.get(k).title());
        }
        for (int t = 0; t < layout.frames(); t++) {
            picture.frame(forecast.truth().get(t), layout.x(t), layout.y(0), layout.frame());
            int future = t - forecast.seen();
            for (int k = 0; future >= 0 && k < rows.size(); k++) {
                picture.frame(rows.get(k).frames().get(future), layout.x(t), layout.y(k + 1), layout.frame());
            }
            String number = Integer.toString(forecast.number(t));
            int centre = layout.x(t) + (layout.frame().width() - PixelFont.width(number) * FONT) / 2;
            picture.text(number, centre, MARGIN, FONT, Palette.INK);
            picture.fill(layout.x(t), layout.y(0) - BAR - SEPARATOR, layout.frame().width(), BAR,
                    future < 0 ? Palette.SEEN : Palette.PREDICTED);
        }
        layout.notes().draw(picture, MARGIN, layout.notesY(), Palette.SEEN);
        picture.writePng(file);
    }

    private static void label(Picture picture, Layout layout, int row, String title) {
        picture.text(title, MARGIN, layout.y(row) + (layout.frame().height() - 7 * FONT) / 2, FONT, Palette.INK);
    }

    /** The size at which frames are drawn if there are {@code frames} of them. */
    static FrameSize size(int height, int width, int frames) {
        int most = Math.max(1, ROOM / frames - SEPARATOR);
        return FrameSize.of(height, width, FRAME_PIXELS, Math.min(Forecast.MOST_PIXELS, most));
    }

    /** The layout; columns are at least as wide as the largest frame number. */
    record Layout(FrameSize frame, int titles, int column, int frames, int seen, Notes notes) {

        Layout(Forecast forecast) {
            this(forecast, size(forecast.height(), forecast.width(), forecast.truth().size()));
        }

        private Layout(Forecast forecast, FrameSize frame) {
            this(frame, forecast.rows().stream().mapToInt(row -> PixelFont.width(row.title()) * FONT).max().orElse(0),
                    Math.max(frame.width(), PixelFont.width("" + forecast.frames()) * FONT) + SEPARATOR,
                    forecast.truth().size(), forecast.seen(), forecast.notes(frame));
        }

        int x(int t) {
            return MARGIN + titles + MARGIN + t * column
                    + (t < seen ? 0 : NOW - SEPARATOR);
        }

        int y(int row) {
            int header = MARGIN + 7 * FONT + 6 + BAR + SEPARATOR;
            return header + row * (Math.max(frame.height(), PixelFont.HEIGHT * FONT) + SEPARATOR);
        }

        int width() {
            return Math.max(x(frames - 1) + column - SEPARATOR, MARGIN + notes.width()) + MARGIN;
        }

        int notesY() {
            return y(3) - SEPARATOR + MARGIN;
        }

        int height() {
            return notesY() + notes.height(MARGIN);
        }
    }
}
