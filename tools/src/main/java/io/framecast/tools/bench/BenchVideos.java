package io.framecast.tools.bench;

import io.framecast.backend.Tensor;
import io.framecast.data.MovingMnist;
import io.framecast.data.Video;
import io.framecast.nn.FrameShape;
import java.util.ArrayList;
import java.util.List;

/** Real pixels, as far as they fill a model's frames: speed depends on values where these become denormal. */
final class BenchVideos {

    private static final float[] PIXELS = MovingMnist.training(1, 1).get(0).values();

    private BenchVideos() {
    }

    static void fill(Tensor videos) {
        for (long at = 0; at < videos.size(); at += PIXELS.length) {
            videos.write(at, PIXELS, 0, (int) Math.min(PIXELS.length, videos.size() - at));
        }
    }

    static List<Video> videos(int count, int frames, FrameShape shape) {
        float[] values = new float[Math.multiplyExact(frames, shape.size())];
        for (int at = 0; at < values.length; at += PIXELS.length) {
            System.arraycopy(PIXELS, 0, values, at, Math.min(PIXELS.length, values.length - at));
        }
        List<Video> videos = new ArrayList<>();
        for (int k = 0; k < count; k++) {
            videos.add(new Video(frames, shape.height(), shape.width(), shape.channels(), values));
        }
        return videos;
    }
}
