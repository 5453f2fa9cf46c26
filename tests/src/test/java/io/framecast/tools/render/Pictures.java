package io.framecast.tools.render;

import io.framecast.data.Video;
import java.awt.image.BufferedImage;
import java.util.List;
import java.util.stream.IntStream;

/** Videos with known pixels, for the tests of this package. */
final class Pictures {

    private Pictures() {
    }

    /** Values that differ from pixel to pixel, frame to frame and channel to channel. */
    static Video ramp(int frames, int height, int width, int channels, int offset) {
        float[] values = new float[frames * height * width * channels];
        for (int i = 0; i < values.length; i++) {
            values[i] = (i * 37 + offset) % 256 / 255f;
        }
        return new Video(frames, height, width, channels, values);
    }

    /** A forecast from the whole video and the frames predicted after {@code context}. */
    static Forecast forecast(Video truth, Video prediction, int context) {
        if (context + prediction.frames() != truth.frames()) {
            throw new IllegalArgumentException("not a forecast of this video");
        }
        return new Forecast(truth.frames(), truth.height(), truth.width(), frames(truth),
                predicted(frames(prediction)));
    }

    /** The prediction of one model. */
    static List<Forecast.Prediction> predicted(List<Video> frames) {
        return List.of(new Forecast.Prediction("prediction", frames));
    }

    /** Whether these words are somewhere in the picture, in one colour on a background of another. */
    static boolean shows(BufferedImage image, String words) {
        Picture text = new Picture(2 * PixelFont.width(words), 2 * PixelFont.HEIGHT, 0);
        text.text(words, 0, 0, 2, 1);
        int width = image.getWidth();
        int[] pixels = image.getRGB(0, 0, width, image.getHeight(), null, 0, width);
        return IntStream.rangeClosed(0, image.getHeight() - text.height).anyMatch(y -> IntStream
                .rangeClosed(0, width - text.width).anyMatch(x -> isAt(pixels, width, y * width + x, text)));
    }

    private static boolean isAt(int[] pixels, int width, int first, Picture text) {
        int[] colors = new int[2]; // Background and text.
        boolean[] known = new boolean[2];
        for (int k = 0; k < text.pixels.length; k++) {
            int color = pixels[first + k / text.width * width + k % text.width];
            int which = text.pixels[k];
            if (!known[which]) {
                known[which] = true;
                colors[which] = color;
            }
            if (color != colors[which] || known[1 - which] && color == colors[1 - which]) {
                return false;
            }
        }
        return true;
    }

    static List<Video> frames(Video video) {
        return IntStream.range(0, video.frames()).mapToObj(t -> video.frames(t, t + 1)).toList();
    }

    static double value(Video video, int t, int y, int x, int c) {
        return video.values()[((t * video.height() + y) * video.width() + x) * video.channels() + c];
    }
}
