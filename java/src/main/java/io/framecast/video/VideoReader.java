package io.framecast.video;

import io.framecast.FramecastException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;
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

/**
 * Reads a video file, or a picture as a video of one frame. The file is opened by its name as it is, its format is told
 * by its content alone, and no other file or address that it names is ever opened.
 */
final class VideoReader implements FrameReader {

    /** Of FFmpeg's formats, those that hold pictures, or sound, in themselves: no playlists, no patterns of names. */
    private static final String FORMATS = "mov,matroska,avi,gif,apng,mpegts,mpeg,mpegvideo,m4v,h264,hevc,av1,obu,ivf,"
            + "flv,live_flv,asf,ogg,yuv4mpegpipe,mxf,nut,dv,mjpeg,rm,wtv,gxf,vc1,png_pipe,jpeg_pipe,bmp_pipe,webp_pipe,"
            + "tiff_pipe,pgm_pipe,ppm_pipe,pbm_pipe,jpegls_pipe,j2k_pipe,mp3,wav,flac,aac,w64,aiff,au,caf,amr";

    /** Decoding takes more threads only slightly further, and memory for each. */
    private static final int MOST_THREADS = 4;

    /** How much a stream may last longer than its last frame is shown: what a container's clock rounds to. */
    private static final double SLACK_SECONDS = 0.5;

    /** The longest time that a frame is repeated where a rate is wanted. More is a wrong timestamp. */
    private static final double LONGEST_GAP_SECONDS = 600;

    /** The most pixels of a picture: 128 million. */
    private static final long MOST_PIXELS = 1L << 27;

    private final Path file;
    private final FrameFormat wanted;
    private final AVIOContext io;
    private AVFormatContext container;
    private AVCodecContext decoder;
    private final AVPacket packet;
    private final AVFrame decoded;
    private final AVFrame converted;
    private AVStream stream;
    /** The kind of the picture that was decoded last. */
    private DecodedKind kind;
    private final VideoInfo info;
    private FilterGraph graph;
    /** What scales the pictures of the graph, a row of them, and a frame in colour if it becomes grey only then. */
    private AreaFilter filter;
    private byte[] row;
    private byte[] colours;
    /** Whether the picture that was decoded last has not gone to the filters yet. */
    private boolean waiting;
    /** Whether the filters give what they still have, before others are made or at the end. */
    private boolean flushing;
    private boolean draining;
    private long packets;
    private long count;
    private double first = Double.NaN;
    private double lastDecoded;
    private double time;
    private String damage;

    /**
     * @param wanted the frames to read; null: those of the video, with its colours
     * @throws FramecastException if it is no video that can be read
     */
    VideoReader(Path file, FrameFormat wanted) {
        Ffmpeg.load(); // Before all other classes of FFmpeg.
        this.file = file;
        io = new AVIOContext(null);
        container = new AVFormatContext(null);
        decoder = new AVCodecContext(null);
        packet = avcodec.av_packet_alloc();
        decoded = avutil.av_frame_alloc();
        converted = avutil.av_frame_alloc();
        try {
            openFile();
            openDecoder();
            if (!decode()) {
                String logged = Ffmpeg.takeLog();
                throw new FramecastException(file + " has no picture that can be decoded"
                        + (damage != null ? " (" + damage + ")" : logged.isEmpty() ? "" : " (" + logged + ")") + ".");
            }
            waiting = true;
            kind = DecodedKind.of(decoded, container, stream);
            try (AVRational rate = avformat.av_guess_frame_rate(container, stream, decoded)) {
                info = new VideoInfo(kind.squareHeight(), kind.squareWidth(),
                        rate.den() == 0 ? 0 : (double) rate.num() / rate.den(), kind.isGrey());
            }
            this.wanted = wanted != null ? wanted
                    : new FrameFormat(info.height(), info.width(), info.grey() ? 1 : 3, 0, 1);
        } catch (RuntimeException e) {
            close();
            throw e;
        }
    }

    private void openFile() {
        if (!Files.exists(file)) {
            throw new FramecastException("There is no file " + file + ".");
        }
        if (!Files.isReadable(file)) {
            throw new FramecastException(file + " cannot be read: permission denied.");
        }
        Ffmpeg.takeLog();
        AVDictionary options = new AVDictionary(null);
        try (BytePointer address = Ffmpeg.address(file)) {
            avutil.av_dict_set(options, "protocol_whitelist", "file", 0);
            Ffmpeg.check(avformat.avio_open2(io, address, avformat.AVIO_FLAG_READ, null, options),
                    file + " cannot be opened");
            if (avformat.avio_size(io) == 0) {
                throw new FramecastException(file + " is empty (0 bytes).");
            }
            container = avformat.avformat_alloc_context();
            container.pb(io);
            avutil.av_dict_set(options, "protocol_whitelist", "file", 0);
            avutil.av_dict_set(options, "format_whitelist", FORMATS, 0);
            int result = avformat.avformat_open_input(container, (BytePointer) null, null, options);
            if (result < 0) {
                String logged = Ffmpeg.takeLog();
                boolean list = logged.startsWith("Format not on whitelist") || VideoSource.isPlaylistName(file);
                throw new FramecastException(file + (list
                        ? " is no video in itself, but a playlist or of an unusual format; name the videos that it "
                        + "leads to, or convert it to .mp4."
                        : " is no video, or is damaged at its beginning ("
                        + (logged.isEmpty() ? Ffmpeg.reason(result) : logged) + ")."));
            }
        } finally {
            avutil.av_dict_free(options);
        }
    }

    private void openDecoder() {
        Ffmpeg.check(avformat.avformat_find_stream_info(container, (AVDictionary) null), file + " cannot be read");
        AVCodec codec = new AVCodec(null);
        int index = avformat.av_find_best_stream(container, avutil.AVMEDIA_TYPE_VIDEO, -1, -1, codec, 0);
        stream = index < 0 ? null : container.streams(index);
        boolean cover = stream != null && (stream.disposition() & avformat.AV_DISPOSITION_ATTACHED_PIC) != 0;
        if (cover || index == avutil.AVERROR_STREAM_NOT_FOUND()) {
            throw new FramecastException(file + (container.nb_streams() == 0
                    ? " is damaged at its beginning: nothing in it can be found."
                    : " has no pictures" + (cover ? " but a cover" : "") + ": it is sound only."));
        }
        if (index < 0 || codec.isNull()) {
            throw new FramecastException(file + " has pictures of a kind that cannot be decoded here; convert it to"
                    + " .mp4 with H.264.");
        }
        for (int k = 0; k < container.nb_streams(); k++) {
            if (k != index) {
                container.streams(k).discard(avcodec.AVDISCARD_ALL);
            }
        }
        decoder = avcodec.avcodec_alloc_context3(codec);
        Ffmpeg.check(avcodec.avcodec_parameters_to_context(decoder, stream.codecpar()), file + " cannot be decoded");
        decoder.pkt_timebase(stream.time_base());
        decoder.thread_count(Math.min(MOST_THREADS, Runtime.getRuntime().availableProcessors()));
        decoder.max_pixels(MOST_PIXELS);
        Ffmpeg.check(avcodec.avcodec_open2(decoder, codec, (AVDictionary) null), file + " cannot be decoded");
    }

    /** What the picture is that was decoded last. */
    DecodedKind kind() {
        return kind;
    }

    @Override
    public VideoInfo info() {
        return info;
    }

    @Override
    public boolean read(byte[] frame) {
        while (graph == null || !graph.take(converted)) {
            if (flushing) {
                if (!waiting) {
                    return false;
                }
                graph.close(); // The next pictures are of another kind.
                graph = null;
                flushing = false;
            }
            feed();
        }
        copy(frame);
        double seconds = converted.pts() * graph.secondsPerTick();
        first = Double.isNaN(first) ? seconds : first;
        time = seconds - first;
        avutil.av_frame_unref(converted);
        return true;
    }

    /** Gives the filters the next picture, or tells them that there is none. */
    private void feed() {
        if (!waiting && !decode()) {
            flushing = true;
            graph.put(null);
            return;
        }
        waiting = true;
        DecodedKind next = DecodedKind.of(decoded, container, stream);
        if (graph != null && !next.equals(kind)) {
            flushing = true;
            graph.put(null);
            return;
        }
        kind = next;
        if (graph == null) {
            makeGraph();
        }
        waiting = false;
        decoded.colorspace(kind.colorSpace());
        decoded.sample_aspect_ratio().num(1).den(1); // As the filters expect it: see the kind.
        graph.put(decoded);
    }

    private void copy(byte[] frame) {
        BytePointer pixels = converted.data(0);
        filter.reset();
        for (int y = 0; y < converted.height(); y++) {
            pixels.position((long) y * converted.linesize(0)).get(row, 0, row.length);
            if (kind.hasAlpha()) {
                putOverBlack(row);
            }
            filter.add(row, colours == null ? frame : colours);
        }
        for (int k = 0; colours != null && k < frame.length; k++) {
            frame[k] = luma(colours[3 * k] & 0xff, colours[3 * k + 1] & 0xff, colours[3 * k + 2] & 0xff);
        }
    }

    /** Makes RGB of RGBA, in place. */
    private static void putOverBlack(byte[] row) {
        for (int k = 0; k < row.length / 4; k++) {
            int alpha = row[4 * k + 3] & 0xff;
            for (int c = 0; c < 3; c++) {
                row[3 * k + c] = (byte) (((row[4 * k + c] & 0xff) * alpha + 127) / 255);
            }
        }
    }

    /** As televisions do it (BT.601); grey stays what it is. */
    private static byte luma(int red, int green, int blue) {
        return (byte) ((299 * red + 587 * green + 114 * blue + 500) / 1000);
    }

    private void makeGraph() {
        int channels = kind.isColoured(wanted) ? 3 : 1;
        int partWidth = kind.partWidth(wanted);
        graph = new FilterGraph(kind.source(stream.time_base()), kind.filters(wanted));
        filter = new AreaFilter(kind.partHeight(wanted), partWidth, channels, wanted.height(), wanted.width());
        row = new byte[partWidth * (kind.hasAlpha() ? 4 : channels)];
        colours = channels > wanted.channels() ? new byte[3 * wanted.frameSize()] : null;
    }

    /** Decodes the next picture; false at the end, or where the rest is damaged. */
    private boolean decode() {
        while (true) {
            int result = avcodec.avcodec_receive_frame(decoder, decoded);
            if (result == 0) {
                if (count > 0 && (decoded.decode_error_flags() != 0
                        || (decoded.flags() & AVFrame.AV_FRAME_FLAG_CORRUPT) != 0)) {
                    damaged("a picture is damaged");
                    return false;
                }
                double before = lastDecoded;
                stamp();
                if (count > 0 && wanted != null && wanted.rate() > 0 && lastDecoded - before > LONGEST_GAP_SECONDS) {
                    damaged(String.format(Locale.ROOT, "its timestamps jump by %.0f seconds", lastDecoded - before));
                    return false;
                }
                count++;
                return true;
            }
            if (result != Ffmpeg.AGAIN) {
                if (result == avutil.AVERROR_EOF()) {
                    noticeEarlyEnd();
                } else {
                    damaged(Ffmpeg.reason(result));
                }
                return false;
            }
            readPacket();
        }
    }

    /** Gives the decoder the next part of the file. */
    private void readPacket() {
        int result = draining ? avutil.AVERROR_EOF() : avformat.av_read_frame(container, packet);
        if (result < 0) {
            if (result != avutil.AVERROR_EOF()) {
                damaged(Ffmpeg.reason(result));
            }
            drain();
            return;
        }
        if (packet.stream_index() == stream.index()) {
            // Before the first picture, a recording may begin in the middle of one.
            if (packets > 0 && (packet.flags() & avcodec.AV_PKT_FLAG_CORRUPT) != 0) {
                damaged("the file ends in the middle of a picture");
                drain();
            } else {
                result = avcodec.avcodec_send_packet(decoder, packet);
                packets++;
                if (count > 0 && result < 0 && result != Ffmpeg.AGAIN) {
                    damaged(Ffmpeg.reason(result));
                    drain();
                }
            }
        }
        avcodec.av_packet_unref(packet);
    }

    private void drain() {
        if (!draining) {
            draining = true;
            avcodec.avcodec_send_packet(decoder, null);
        }
    }

    private void damaged(String reason) {
        if (damage == null) {
            damage = reason;
        }
    }

    /** Numbers pictures of formats without timestamps by the rate. */
    private void stamp() {
        long stamp = decoded.best_effort_timestamp();
        AVRational base = stream.time_base();
        double tick = (double) base.num() / base.den();
        if (stamp == avutil.AV_NOPTS_VALUE) {
            AVRational rate = stream.avg_frame_rate().num() > 0 ? stream.avg_frame_rate() : stream.r_frame_rate();
            double perSecond = rate.num() > 0 && rate.den() > 0 ? (double) rate.num() / rate.den() : 25;
            stamp = Math.round(count / perSecond / tick);
        }
        decoded.pts(stamp);
        lastDecoded = stamp * tick;
    }

    /** A file that was cut may end like a whole one; then its header or the log tells. */
    private void noticeEarlyEnd() {
        AVRational base = stream.time_base();
        AVRational rate = stream.avg_frame_rate();
        double slack = Math.max(SLACK_SECONDS, rate.num() > 0 ? 2.0 * rate.den() / rate.num() : 0);
        double start = stream.start_time() == avutil.AV_NOPTS_VALUE ? 0
                : stream.start_time() * (double) base.num() / base.den();
        double length = stream.duration() * (double) base.num() / base.den();
        String logged = Ffmpeg.takeLog();
        if (stream.duration() != avutil.AV_NOPTS_VALUE && lastDecoded - start + slack < length) {
            damaged(String.format(Locale.ROOT, "it ends after %.1f of %.1f seconds", lastDecoded - start, length));
        } else if (logged.matches("(?i).*(prematurely|truncated|partial file).*")) {
            damaged("the file ends too early");
        }
    }

    @Override
    public double time() {
        return time;
    }

    @Override
    public Optional<String> damage() {
        return Optional.ofNullable(damage);
    }

    @Override
    public void close() {
        if (graph != null) {
            graph.close();
            graph = null;
        }
        avutil.av_frame_free(converted);
        avutil.av_frame_free(decoded);
        avcodec.av_packet_free(packet);
        avcodec.avcodec_free_context(decoder);
        avformat.avformat_close_input(container);
        avformat.avio_closep(io);
    }
}
