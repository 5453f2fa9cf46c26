package io.framecast.video;

import java.nio.file.Path;
import java.util.Map;
import org.bytedeco.ffmpeg.avcodec.AVCodecContext;
import org.bytedeco.ffmpeg.avcodec.AVPacketSideData;
import org.bytedeco.ffmpeg.avformat.AVStream;
import org.bytedeco.ffmpeg.global.avcodec;
import org.bytedeco.ffmpeg.global.avutil;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerPointer;

/** Video files whose pixels are known, encoded by FFmpeg. */
public final class TestVideo {

    /** The pixels of a video. */
    @FunctionalInterface
    public interface Painter {
        /** The value of a channel, 0 to 255, in frame {@code n}. */
        int value(int n, int y, int x, int channel);
    }

    /** Frame n has the brightness 20 n. */
    public static final Painter COUNTING = (n, y, x, channel) -> 20 * n;

    /** An encoder without losses, for pictures that are exactly what they are. */
    static final Encoder.Kind GREY = kind("matroska", "ffv1", "format=gray");
    static final Encoder.Kind RGB = kind("matroska", "ffv1", "format=bgr0");

    private final Encoder.Kind kind;
    private final int height;
    private final int width;
    private final int channels;
    private final Painter painter;
    private int degrees;
    private int aspect = 1;
    private long[] times;

    TestVideo(Encoder.Kind kind, int height, int width, int channels, Painter painter) {
        this.kind = kind;
        this.height = height;
        this.width = width;
        this.channels = channels;
        this.painter = painter;
    }

    static Encoder.Kind kind(String muxer, String encoder, String filters) {
        return new Encoder.Kind(muxer, encoder, filters, Map.of(), Map.of());
    }

    /** Grey frames of 16x16 that count, without losses, ten a second. */
    public static Path counting(Path file, int frames) {
        return lossless(file, 16, 16, frames, COUNTING);
    }

    /** Grey frames without losses, ten a second. */
    public static Path lossless(Path file, int height, int width, int frames, Painter painter) {
        return new TestVideo(GREY, height, width, 1, painter).write(file, frames);
    }

    /** H.264 in MP4 as phones write it: its index first, a picture that can be decoded by itself every 5 frames. */
    public static Path mp4(Path file, int height, int width, int frames, Painter painter) {
        return new TestVideo(new Encoder.Kind("mp4", Ffmpeg.H264, "scale=out_color_matrix=bt709:out_range=limited:"
                + "flags=accurate_rnd+full_chroma_int,format=yuv420p",
                Map.of("b", "20M", "qmin", "1", "qmax", "10", "g", "5"), Map.of("movflags", "+faststart")), height,
                width, 3, painter).write(file, frames);
    }

    /** A player turns the pictures by this angle, clockwise. */
    TestVideo turned(int clockwise) {
        degrees = clockwise;
        return this;
    }

    /** Pixels are as many times as wide as high. */
    TestVideo wide(int times) {
        aspect = times;
        return this;
    }

    /** When the frames are shown, in tenths of a second. */
    TestVideo at(long... tenths) {
        times = tenths;
        return this;
    }

    Path write(Path file, int frames) {
        byte[] pixels = new byte[height * width * channels];
        try (Encoder encoder = new Encoder(file, kind, height, width, channels, 10) {
            @Override
            void describe(AVStream stream, AVCodecContext context) {
                context.sample_aspect_ratio(avutil.av_make_q(aspect, 1));
                if (degrees != 0 && stream.codecpar().width() > 0) {
                    turn(stream);
                }
            }
        }) {
            for (int n = 0; n < frames; n++) {
                for (int k = 0; k < pixels.length; k++) {
                    int pixel = k / channels;
                    pixels[k] = (byte) painter.value(n, pixel / width, pixel % width, k % channels);
                }
                encoder.put(pixels, times == null ? n : times[n]);
            }
            encoder.finish();
        }
        return file;
    }

    private void turn(AVStream stream) {
        int[] matrix = new int[9];
        avutil.av_display_rotation_set(matrix, degrees);
        BytePointer data = new BytePointer(avutil.av_malloc(4 * matrix.length));
        new IntPointer(data).put(matrix);
        PointerPointer<AVPacketSideData> side = new PointerPointer<AVPacketSideData>(1).put(0, (Pointer) null);
        IntPointer count = new IntPointer(1).put(0, 0);
        avcodec.av_packet_side_data_add(side, count, avcodec.AV_PKT_DATA_DISPLAYMATRIX, data, 4L * matrix.length, 0);
        stream.codecpar().coded_side_data(side.get(AVPacketSideData.class));
        stream.codecpar().nb_coded_side_data(count.get());
    }
}
