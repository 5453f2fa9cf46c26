package io.framecast.tools.bench;

import io.framecast.backend.Tensor;
import io.framecast.data.MovingMnist;
import io.framecast.data.Video;
import io.framecast.data.Videos;
import io.framecast.nn.FrameShape;

/**
 * Videos of real pixels, repeated until they fill the model's frames: speed depends on the values if some become
 * denormal.
 */
record BenchVideos(int count, Video video) implements Videos {

    private static final float[] PIXELS = MovingMnist.training(1, 1).get(0).values();

    static void fill(Tensor videos) {
        for (long at = 0; at < videos.size(); at += PIXELS.length) {
            videos.write(at, PIXELS, 0, (int) Math.min(PIXELS.length, videos.size() - at));
        }
    }

    static BenchVideos of(int count, int frames, FrameShape shape) {
        float[] values = new float[Math.multiplyExact(frames, shape.size())];
        for (int at = 0; at < values.length; at += PIXELS.length) {
            System.arraycopy(PIXELS, 0, values, at, Math.min(PIXELS.length, values.length - at));
        }
        return new BenchVideos(count, new Video(frames, shape.height(), shape.width(), shape.channels(), values));
    }

    @Override
    public int frames() {
        return video.frames();
    }

    @Override
    public int height() {
        return video.height();
    }

    @Override
    public int width() {
        return video.width();
    }

    @Override
    public int channels() {
        return video.channels();
    }

    @Override
    public Video get(int index) {
        return video;
    }
}
