package io.framecast.video;

import io.framecast.FramecastException;
import java.nio.file.Path;
import java.util.Map;
import org.bytedeco.ffmpeg.avcodec.AVCodec;
import org.bytedeco.ffmpeg.avcodec.AVCodecContext;
import org.bytedeco.ffmpeg.avcodec.AVPacket;
import org.bytedeco.ffmpeg.avformat.AVFormatContext;
import org.bytedeco.ffmpeg.avformat.AVIOContext;
import org.bytedeco.ffmpeg.avformat.AVStream;
import org.bytedeco.ffmpeg.avutil.AVDictionary;
import org.bytedeco.ffmpeg.avutil.AVFrame;
import org.bytedeco.ffmpeg.avutil.AVRational;
import org.bytedeco.ffmpeg.global.avcodec;
import org.bytedeco.ffmpeg.global.avformat;
import org.bytedeco.ffmpeg.global.avutil;
import org.bytedeco.javacpp.BytePointer;

/** Encodes frames to a file, which it writes directly. */
class Encoder implements AutoCloseable {

    /** The finest rates are whole numbers of frames in this many seconds. */
    private static final int RATE_PRECISION = 100_000;

    /**
     * What the file is, in FFmpeg's words.
     *
     * @param muxer the format of the file
     * @param encoder of its pictures
     * @param filters make the pictures that are encoded of the frames; the last one sets the pixel format
     * @param encoderOptions of the encoder
     * @param muxerOptions of the format
     */
    record Kind(String muxer, String encoder, String filters, Map<String, String> encoderOptions,
            Map<String, String> muxerOptions) {
    }

    private final Path file;
    private final Kind kind;
    private final int rowBytes;
    private final int height;
    private final AVRational rate;
    private final AVRational tick;
    private final AVFrame frame;
    private final AVFrame converted;
    private final AVPacket packet;
    private final AVFormatContext container;
    private final AVIOContext io;
    private AVCodecContext encoder;
    private FilterGraph graph;
    private AVStream stream;

    /**
     * @param rate frames a second
     * @throws FramecastException if FFmpeg refuses what is asked for, or the file cannot be written
     */
    Encoder(Path file, Kind kind, int height, int width, int channels, double rate) {
        Ffmpeg.load(); // Before all other classes of FFmpeg.
        Ffmpeg.takeLog();
        container = new AVFormatContext(null);
        io = new AVIOContext(null);
        encoder = new AVCodecContext(null);
        this.file = file;
        this.kind = kind;
        this.height = height;
        this.rowBytes = width * channels;
        this.rate = avutil.av_d2q(rate, RATE_PRECISION);
        this.tick = avutil.av_inv_q(this.rate);
        packet = avcodec.av_packet_alloc();
        converted = avutil.av_frame_alloc();
        frame = avutil.av_frame_alloc();
        try {
            int format = avutil.av_get_pix_fmt(channels == 1 ? "gray" : "rgb24");
            frame.format(format);
            frame.width(width);
            frame.height(height);
            frame.color_range(avutil.AVCOL_RANGE_JPEG);
            frame.colorspace(channels == 1 ? avutil.AVCOL_SPC_UNSPECIFIED : avutil.AVCOL_SPC_RGB);
            graph = new FilterGraph("video_size=" + width + "x" + height + ":pix_fmt=" + format + ":time_base="
                    + tick.num() + "/" + tick.den() + ":pixel_aspect=1/1:range=" + frame.color_range()
                    + ":colorspace=" + frame.colorspace(), kind.filters);
        } catch (RuntimeException e) {
            close();
            throw e;
        }
    }

    private FramecastException refused(String what, int result) {
        String logged = Ffmpeg.takeLog();
        return new FramecastException(file + " cannot be made: " + what + ": "
                + (logged.isEmpty() ? Ffmpeg.reason(result) : logged) + ".");
    }

    private void check(int result, String what) {
        if (result < 0) {
            throw refused(what, result);
        }
    }

    /** Opens the encoder for the first picture, and the file. */
    private void start(AVFrame first) {
        AVCodec codec = avcodec.avcodec_find_encoder_by_name(kind.encoder);
        if (codec == null || codec.isNull()) {
            throw new FramecastException(file + " cannot be made: this FFmpeg has no encoder " + kind.encoder + ".");
        }
        check(avformat.avformat_alloc_output_context2(container, null, kind.muxer, null), kind.muxer);
        encoder = avcodec.avcodec_alloc_context3(codec);
        encoder.width(first.width());
        encoder.height(first.height());
        encoder.pix_fmt(first.format());
        encoder.time_base(tick);
        encoder.framerate(rate);
        encoder.colorspace(first.colorspace());
        encoder.color_range(first.color_range());
        if (first.colorspace() == avutil.AVCOL_SPC_BT709) {
            encoder.color_primaries(avutil.AVCOL_PRI_BT709);
            encoder.color_trc(avutil.AVCOL_TRC_BT709);
        }
        if ((container.oformat().flags() & avformat.AVFMT_GLOBALHEADER) != 0) {
            encoder.flags(encoder.flags() | avcodec.AV_CODEC_FLAG_GLOBAL_HEADER);
        }
        stream = avformat.avformat_new_stream(container, codec);
        describe(stream, encoder);
        AVDictionary options = dictionary(kind.encoderOptions);
        try {
            check(avcodec.avcodec_open2(encoder, codec, options), kind.encoder);
        } finally {
            avutil.av_dict_free(options);
        }
        check(avcodec.avcodec_parameters_from_context(stream.codecpar(), encoder), kind.encoder);
        stream.time_base(tick);
        stream.avg_frame_rate(encoder.framerate());
        stream.sample_aspect_ratio(encoder.sample_aspect_ratio());
        describe(stream, encoder);
        try (BytePointer address = Ffmpeg.address(file)) {
            check(avformat.avio_open2(io, address, avformat.AVIO_FLAG_WRITE, null, (AVDictionary) null),
                    "it cannot be written");
            container.pb(io);
            container.url(avutil.av_strdup(address)); // Moving the index to the front reads the file again.
        }
        options = dictionary(kind.muxerOptions);
        try {
            check(avformat.avformat_write_header(container, options), kind.muxer);
        } finally {
            avutil.av_dict_free(options);
        }
    }

    /** For more that the file should say: called before the encoder is opened, and when the stream has its settings. */
    void describe(AVStream of, AVCodecContext by) {
    }

    private static AVDictionary dictionary(Map<String, String> options) {
        AVDictionary dictionary = new AVDictionary(null);
        options.forEach((name, value) -> avutil.av_dict_set(dictionary, name, value, 0));
        return dictionary;
    }

    /**
     * Takes the next frame.
     *
     * @param pixels (height, width, channels) uint8
     * @param time in frames from the first one
     */
    void put(byte[] pixels, long time) {
        check(avutil.av_frame_get_buffer(frame, 0), "too little memory");
        BytePointer data = frame.data(0);
        for (int y = 0; y < height; y++) {
            data.position((long) y * frame.linesize(0)).put(pixels, y * rowBytes, rowBytes);
        }
        frame.pts(time);
        int format = frame.format();
        int width = frame.width();
        int range = frame.color_range();
        int space = frame.colorspace();
        graph.put(frame); // It moves the content, and clears the rest.
        frame.format(format);
        frame.width(width);
        frame.height(height);
        frame.color_range(range);
        frame.colorspace(space);
        encodeConverted();
    }

    /** Completes the file. */
    void finish() {
        graph.put(null);
        encodeConverted();
        if (stream == null) {
            throw new IllegalStateException("no frame");
        }
        encode(null);
        check(avformat.av_write_trailer(container), "it cannot be completed");
        check(avformat.avio_closep(io), "it cannot be written");
    }

    private void encodeConverted() {
        while (graph.take(converted)) {
            if (stream == null) {
                start(converted);
            }
            converted.pict_type(avutil.AV_PICTURE_TYPE_NONE);
            encode(converted);
            avutil.av_frame_unref(converted);
        }
    }

    private void encode(AVFrame picture) {
        check(avcodec.avcodec_send_frame(encoder, picture), kind.encoder);
        while (true) {
            int result = avcodec.avcodec_receive_packet(encoder, packet);
            if (result == Ffmpeg.AGAIN || result == avutil.AVERROR_EOF()) {
                return;
            }
            check(result, kind.encoder);
            avcodec.av_packet_rescale_ts(packet, tick, stream.time_base());
            if (packet.duration() == 0) {
                packet.duration(avutil.av_rescale_q(1, tick, stream.time_base()));
            }
            packet.stream_index(stream.index());
            check(avformat.av_interleaved_write_frame(container, packet), "it cannot be written");
        }
    }

    @Override
    public void close() {
        if (graph != null) {
            graph.close();
            graph = null;
        }
        avutil.av_frame_free(frame);
        avutil.av_frame_free(converted);
        avcodec.av_packet_free(packet);
        avcodec.avcodec_free_context(encoder);
        avformat.avio_closep(io);
        avformat.avformat_free_context(container);
        tick.close();
        rate.close();
    }
}
