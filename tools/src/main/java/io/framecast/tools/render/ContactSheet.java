package io.framecast.tools.render;

import io.framecast.data.Videos;
import java.nio.file.Path;
import java.util.stream.IntStream;

/**
 * A PNG of some videos' frames: one row per video, labelled with its index in the file, from 0; one column per frame,
 * numbered from 1. If there are too many frames it shows some of them, and if they are too large it shows them reduced;
 * a line below then says so.
 */
public final class ContactSheet {

    private static final int FONT = 2;
    private static final int MARGIN = 10;
    private static final int SEPARATOR = 2;
    /** Small frames are enlarged to about this size, and large ones are not reduced below it to show more of them. */
    private static final int FRAME_PIXELS = 96;
    /** The largest width of all frames together. */
    private static final int MOST_WIDTH = 4000;
    private static final int MOST_HEIGHT = 8000;

    private ContactSheet() {
    }

    /**
     * Writes the sheet.
     *
     * @param indices the indices of the videos, in the order of the rows
     * @return a text on what is reduced or left out, or ""
     * @throws io.framecast.FramecastException if the file cannot be written
     */
    public static String write(Path file, Videos videos, int... indices) {
        Layout layout = Layout.of(videos, indices);
        Picture picture = new Picture(layout.width(), layout.height(), Palette.PAPER);
        for (int column = 0; column < layout.frames().length; column++) {
            String number = Integer.toString(layout.frames()[column] + 1);
            int centre = layout.x(column) + (layout.frame().width() - PixelFont.width(number) * FONT) / 2;
            picture.text(number, centre, MARGIN, FONT, Palette.SEEN);
        }
        for (int row = 0; row < indices.length; row++) {
            int middle = (layout.frame().height() - 7 * FONT) / 2;
            picture.text(label(indices[row]), MARGIN, layout.y(row) + middle, FONT, Palette.INK);
            for (int column = 0; column < layout.frames().length; column++) {
                int t = layout.frames()[column];
                picture.frame(videos.get(indices[row], t, t + 1), layout.x(column), layout.y(row), layout.frame());
            }
        }
        layout.notes().draw(picture, MARGIN, layout.notesY(), Palette.SEEN);
        picture.writePng(file);
        return String.join("; ", layout.notes().lines());
    }

    private static String label(int index) {
        return "video " + index;
    }

    /**
     * The layout; columns and rows are at least as large as their labels.
     *
     * @param frames the numbers of the shown frames, from 0
     */
    record Layout(int labels, int column, int row, int[] frames, int rows, FrameSize frame, Notes notes) {

        static Layout of(Videos videos, int[] indices) {
            int number = PixelFont.width("" + videos.frames()) * FONT;
            int height = videos.height();
            int width = videos.width();
            int least = Math.max(number, FrameSize.of(height, width, FRAME_PIXELS, FRAME_PIXELS).width()) + SEPARATOR;
            int columns = Math.max(1, Math.min(videos.frames(), MOST_WIDTH / least));
            int most = Math.max(1, Math.min(MOST_WIDTH / columns, MOST_HEIGHT / indices.length) - SEPARATOR);
            FrameSize frame = FrameSize.of(height, width, FRAME_PIXELS, most);
            Notes notes = Notes.of(columns == videos.frames() ? "" : columns + " of " + videos.frames()
                    + " frames: the first, the last and evenly between", height, width, videos.channels(), frame);
            int labels = IntStream.of(indices).map(index -> PixelFont.width(label(index)) * FONT).max().orElse(0);
            return new Layout(labels, Math.max(frame.width(), number) + SEPARATOR,
                    Math.max(frame.height(), PixelFont.HEIGHT * FONT) + SEPARATOR, evenly(videos.frames(), columns),
                    indices.length, frame, notes);
        }

        /** The first frame, the last, and others at even distances. */
        private static int[] evenly(int frames, int count) {
            return IntStream.range(0, count)
                    .map(k -> count == 1 ? 0 : (int) Math.round((double) k * (frames - 1) / (count - 1))).toArray();
        }

        int x(int index) {
            return MARGIN + labels + MARGIN + index * column;
        }

        int y(int index) {
            return MARGIN + PixelFont.HEIGHT * FONT + 2 + index * row;
        }

        int notesY() {
            return y(rows) - SEPARATOR + MARGIN;
        }

        int width() {
            return Math.max(x(frames.length) - SEPARATOR, MARGIN + notes.width()) + MARGIN;
        }

        int height() {
            return notesY() + notes.height(MARGIN);
        }
    }
}
