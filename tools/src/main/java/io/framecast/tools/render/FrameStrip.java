package io.framecast.tools.render;

import io.framecast.data.Video;
import java.nio.file.Path;

/**
 * A forecast as one PNG, for papers: a row of true frames (context and future), and under the future the
 * prediction and the absolute difference. Columns are numbered from 1; a grey bar marks the seen frames and an
 * orange one the predicted.
 */
public final class FrameStrip {

    private static final int FONT = 2;
    private static final int MARGIN = 10;
    /** Between frames, and between the last seen and the first predicted one. */
    private static final int SEPARATOR = 2;
    private static final int NOW = 8;
    private static final int BAR = 4;
    private static final String[] ROWS = {"truth", "prediction", "difference"};

    private FrameStrip() {
    }

    /** Writes the strip with frames of about 128 pixels. */
    public static void write(Path file, Video truth, Video prediction, int context) {
        write(file, truth, prediction, context, Math.max(1, 128 / Math.max(truth.height(), truth.width())));
    }

    /**
     * Writes the strip.
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
        Layout layout = new Layout(truth, context, scale);
        Picture picture = new Picture(layout.width(), layout.height(), Palette.PAPER);
        Video[] rows = {truth, prediction, forecast.difference()};
        for (int row = 0; row < ROWS.length; row++) {
            picture.text(ROWS[row], MARGIN, layout.y(row) + (layout.frameHeight() - 7 * FONT) / 2, FONT, Palette.INK);
            int from = row == 0 ? 0 : context;
            for (int t = from; t < truth.frames(); t++) {
                picture.frame(rows[row], t - from, layout.x(t), layout.y(row), scale);
            }
        }
        for (int t = 0; t < truth.frames(); t++) {
            String number = Integer.toString(t + 1);
            int centre = layout.x(t) + (layout.frameWidth() - PixelFont.width(number) * FONT) / 2;
            picture.text(number, centre, MARGIN, FONT, Palette.INK);
            picture.fill(layout.x(t), layout.y(0) - BAR - SEPARATOR, layout.frameWidth(), BAR,
                    t < context ? Palette.SEEN : Palette.PREDICTED);
        }
        picture.writePng(file);
    }

    /** Where things are; columns are at least as wide as the largest frame number. */
    record Layout(int frameWidth, int frameHeight, int column, int frames, int context) {

        Layout(Video video, int context, int scale) {
            this(video.width() * scale, video.height() * scale,
                    Math.max(video.width() * scale, PixelFont.width("" + video.frames()) * FONT) + SEPARATOR,
                    video.frames(), context);
        }

        int x(int frame) {
            return MARGIN + PixelFont.width(ROWS[1]) * FONT + MARGIN + frame * column
                    + (frame < context ? 0 : NOW - SEPARATOR);
        }

        int y(int row) {
            int header = MARGIN + 7 * FONT + 6 + BAR + SEPARATOR;
            return header + row * (Math.max(frameHeight, PixelFont.HEIGHT * FONT) + SEPARATOR);
        }

        int width() {
            return x(frames - 1) + column - SEPARATOR + MARGIN;
        }

        int height() {
            return y(ROWS.length) - SEPARATOR + MARGIN;
        }
    }
}
