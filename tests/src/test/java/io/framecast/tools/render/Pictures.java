package io.framecast.tools.render;

import io.framecast.data.Video;
import java.awt.image.BufferedImage;
import java.util.List;
import java.util.stream.IntStream;

/** Videos whose every pixel is known, for the tests of this package. */
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

    /** The whole video and the frames that were forecast after {@code context}. */
    static Forecast forecast(Video truth, Video prediction, int context) {
        if (context + prediction.frames() != truth.frames()) {
            throw new IllegalArgumentException("not a forecast of this video");
        }
        return new Forecast(truth.frames(), truth.height(), truth.width(), frames(truth), frames(prediction));
    }

    /** Whether these words stand somewhere in the picture, in one colour that is not around the letters. */
    static boolean shows(BufferedImage image, String words) {
        Picture text = new Picture(2 * PixelFont.width(words), 2 * PixelFont.HEIGHT, 0);
        text.text(words, 0, 0, 2, 1);
        return IntStream.rangeClosed(0, image.getHeight() - text.height).anyMatch(y -> IntStream
                .rangeClosed(0, image.getWidth() - text.width).anyMatch(x -> isAt(image, x, y, text)));
    }

    private static boolean isAt(BufferedImage image, int left, int top, Picture text) {
        Integer ink = null;
        Integer paper = null;
        for (int k = 0; k < text.pixels.length; k++) {
            int color = image.getRGB(left + k % text.width, top + k / text.width);
            if (text.pixels[k] == 1) {
                ink = ink == null ? color : ink;
            } else {
                paper = paper == null ? color : paper;
            }
            if (color != (text.pixels[k] == 1 ? ink : paper) || ink != null && ink.equals(paper)) {
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
