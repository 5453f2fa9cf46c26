package io.framecast.tools.render;

import com.squareup.gifencoder.GifEncoder;
import com.squareup.gifencoder.ImageOptions;
import io.framecast.files.AtomicFiles;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.function.IntFunction;

/** Writes pictures of one size as a GIF that repeats for ever, with a pause on the last picture. */
final class Animation {

    private static final long FRAME_MILLIS = 150;
    private static final long LAST_FRAME_MILLIS = 1500;

    private Animation() {
    }

    /**
     * Writes the file.
     *
     * @param count the number of pictures
     * @param draw draws a picture; called twice for each, so that not all pictures have to be in memory
     * @throws io.framecast.FramecastException if the file cannot be written
     */
    static void write(Path file, int count, IntFunction<Picture> draw) {
        GifPalette palette = new GifPalette();
        for (int t = 0; t < count; t++) {
            palette.count(draw.apply(t));
        }
        palette.build();
        AtomicFiles.write(file, out -> {
            GifEncoder gif = null;
            for (int t = 0; t < count; t++) {
                Picture picture = draw.apply(t);
                palette.apply(picture);
                if (gif == null) {
                    gif = new GifEncoder(out, picture.width, picture.height, 0);
                }
                // The encoder does not change the colours if there are at most 256.
                gif.addImage(picture.pixels, picture.width, new ImageOptions().setDelay(
                        t == count - 1 ? LAST_FRAME_MILLIS : FRAME_MILLIS, TimeUnit.MILLISECONDS));
            }
            if (gif != null) {
                gif.finishEncoding();
            }
        });
    }
}
