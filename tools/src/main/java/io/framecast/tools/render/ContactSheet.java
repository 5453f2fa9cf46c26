package io.framecast.tools.render;

import io.framecast.data.Video;
import io.framecast.data.Videos;
import java.nio.file.Path;

/**
 * A PNG of some videos' frames: one video a row, labelled with its index from 0 as in the file, and one frame a
 * column, numbered from 1.
 */
public final class ContactSheet {

    private static final int FONT = 2;
    private static final int MARGIN = 10;
    private static final int SEPARATOR = 2;
    private static final int FRAME_PIXELS = 96;

    private ContactSheet() {
    }

    /**
     * Writes the sheet, with frames of about 96 pixels.
     *
     * @param indices which videos, in the order of the rows
     * @throws io.framecast.FramecastException if the file cannot be written
     */
    public static void write(Path file, Videos videos, int... indices) {
        Layout layout = new Layout(videos, indices);
        Picture picture = new Picture(layout.width(), layout.height(), Palette.PAPER);
        for (int t = 0; t < videos.frames(); t++) {
            String number = Integer.toString(t + 1);
            int centre = layout.x(t) + (videos.width() * layout.scale() - PixelFont.width(number) * FONT) / 2;
            picture.text(number, centre, MARGIN, FONT, Palette.SEEN);
        }
        for (int row = 0; row < indices.length; row++) {
            Video video = videos.get(indices[row]);
            int middle = (videos.height() * layout.scale() - 7 * FONT) / 2;
            picture.text(label(indices[row]), MARGIN, layout.y(row) + middle, FONT, Palette.INK);
            for (int t = 0; t < videos.frames(); t++) {
                picture.frame(video, t, layout.x(t), layout.y(row), layout.scale());
            }
        }
        picture.writePng(file);
    }

    private static String label(int index) {
        return "video " + index;
    }

    /** Where things are; columns and rows are never smaller than their labels. */
    record Layout(int labels, int column, int row, int columns, int rows, int scale) {

        Layout(Videos videos, int[] indices) {
            this(videos, indices, Math.max(1, FRAME_PIXELS / Math.max(videos.height(), videos.width())));
        }

        private Layout(Videos videos, int[] indices, int scale) {
            this(widest(indices), Math.max(videos.width() * scale, PixelFont.width("" + videos.frames()) * FONT)
                    + SEPARATOR, Math.max(videos.height() * scale, PixelFont.HEIGHT * FONT) + SEPARATOR,
                    videos.frames(), indices.length, scale);
        }

        private static int widest(int[] indices) {
            int widest = 0;
            for (int index : indices) {
                widest = Math.max(widest, PixelFont.width(label(index)) * FONT);
            }
            return widest;
        }

        int x(int frame) {
            return MARGIN + labels + MARGIN + frame * column;
        }

        int y(int index) {
            return MARGIN + PixelFont.HEIGHT * FONT + 2 + index * row;
        }

        int width() {
            return x(columns) - SEPARATOR + MARGIN;
        }

        int height() {
            return y(rows) - SEPARATOR + MARGIN;
        }
    }
}
