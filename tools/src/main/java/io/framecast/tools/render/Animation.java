package io.framecast.tools.render;

import com.squareup.gifencoder.GifEncoder;
import com.squareup.gifencoder.ImageOptions;
import io.framecast.files.AtomicFiles;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.function.IntFunction;

/** Pictures of one size as a GIF that plays for ever and rests on the last one before it begins anew. */
final class Animation {

    private static final long FRAME_MILLIS = 150;
    private static final long LAST_FRAME_MILLIS = 1500;

    private Animation() {
    }

    /**
     * Writes the file.
     *
     * @param count how many pictures
     * @param draw  makes one of them; asked twice for each, so that not all of them have to be held
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
                // With no more than 256 colours the encoder keeps them as they are.
                gif.addImage(picture.pixels, picture.width, new ImageOptions().setDelay(
                        t == count - 1 ? LAST_FRAME_MILLIS : FRAME_MILLIS, TimeUnit.MILLISECONDS));
            }
            if (gif != null) {
                gif.finishEncoding();
            }
        });
    }
}
