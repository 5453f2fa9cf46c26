package io.framecast.video;

import org.bytedeco.ffmpeg.avcodec.AVPacketSideData;
import org.bytedeco.ffmpeg.avformat.AVFormatContext;
import org.bytedeco.ffmpeg.avformat.AVStream;
import org.bytedeco.ffmpeg.avutil.AVFrame;
import org.bytedeco.ffmpeg.avutil.AVFrameSideData;
import org.bytedeco.ffmpeg.avutil.AVPixFmtDescriptor;
import org.bytedeco.ffmpeg.avutil.AVRational;
import org.bytedeco.ffmpeg.global.avcodec;
import org.bytedeco.ffmpeg.global.avformat;
import org.bytedeco.ffmpeg.global.avutil;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.IntPointer;

/**
 * What decoded pictures are, and the filters that make frames of them.
 *
 * @param width as decoded
 * @param height as decoded
 * @param format the pixel format, of FFmpeg's enumeration
 * @param aspect the width of a pixel in heights of a pixel, as decoded
 * @param turn the filters that turn pictures upright; empty: none
 * @param turned whether they change width and height
 * @param colorSpace of FFmpeg's enumeration
 * @param range of FFmpeg's enumeration: full or limited
 */
record DecodedKind(int width, int height, int format, double aspect, String turn, boolean turned, int colorSpace,
        int range) {

    /** From this height on, videos that do not name their colour space have the one of HDTV, as players take it. */
    private static final int HD_HEIGHT = 720;

    static DecodedKind of(AVFrame frame, AVFormatContext container, AVStream stream) {
        double aspect;
        try (AVRational ratio = avformat.av_guess_sample_aspect_ratio(container, stream, frame)) {
            aspect = ratio.num() > 0 && ratio.den() > 0 ? (double) ratio.num() / ratio.den() : 1;
        }
        String turn = turn(matrix(frame, stream));
        int space = frame.colorspace();
        if (space == avutil.AVCOL_SPC_UNSPECIFIED && frame.height() >= HD_HEIGHT
                && !has(frame.format(), avutil.AV_PIX_FMT_FLAG_RGB)) {
            space = avutil.AVCOL_SPC_BT709;
        }
        return new DecodedKind(frame.width(), frame.height(), frame.format(), aspect, turn,
                turn.startsWith("transpose"), space, frame.color_range());
    }

    /** Also of the pictures of palettes and with alpha, which become RGB before they are put over black. */
    private static boolean isRgb(int format) {
        return has(format, avutil.AV_PIX_FMT_FLAG_RGB | avutil.AV_PIX_FMT_FLAG_PAL | avutil.AV_PIX_FMT_FLAG_ALPHA);
    }

    private static boolean has(int format, long flag) {
        return (avutil.av_pix_fmt_desc_get(format).flags() & flag) != 0;
    }

    /** The matrix by which a player turns the picture; null: it is upright. */
    private static int[] matrix(AVFrame frame, AVStream stream) {
        AVFrameSideData ofFrame = avutil.av_frame_get_side_data(frame, avutil.AV_FRAME_DATA_DISPLAYMATRIX);
        BytePointer bytes = null;
        if (ofFrame != null && !ofFrame.isNull()) {
            bytes = ofFrame.data();
        } else if (stream.codecpar().nb_coded_side_data() > 0) {
            AVPacketSideData ofStream = avcodec.av_packet_side_data_get(stream.codecpar().coded_side_data(),
                    stream.codecpar().nb_coded_side_data(), avcodec.AV_PKT_DATA_DISPLAYMATRIX);
            bytes = ofStream == null || ofStream.isNull() ? null : ofStream.data();
        }
        if (bytes == null) {
            return null;
        }
        int[] matrix = new int[9];
        new IntPointer(bytes).get(matrix);
        return matrix;
    }

    /** The filters for a display matrix: quarter turns and mirrors. Cameras write no other angles. */
    private static String turn(int[] matrix) {
        double angle = matrix == null ? 0 : avutil.av_display_rotation_get(matrix);
        if (matrix == null || Double.isNaN(angle)) {
            return "";
        }
        return switch ((int) Math.floorMod(Math.round(-angle / 90), 4L)) {
            case 1 -> "transpose=" + (matrix[3] > 0 ? "cclock_flip" : "clock");
            case 2 -> (matrix[0] < 0 ? "hflip" : "") + (matrix[0] < 0 && matrix[4] < 0 ? "," : "")
                    + (matrix[4] < 0 ? "vflip" : "");
            case 3 -> "transpose=" + (matrix[3] < 0 ? "clock_flip" : "cclock");
            default -> matrix[4] < 0 ? "vflip" : "";
        };
    }

    boolean isGrey() {
        AVPixFmtDescriptor descriptor = avutil.av_pix_fmt_desc_get(format);
        return descriptor.nb_components() <= 2
                && !has(format, avutil.AV_PIX_FMT_FLAG_RGB | avutil.AV_PIX_FMT_FLAG_PAL);
    }

    private int uprightWidth() {
        return turned ? height : width;
    }

    private int uprightHeight() {
        return turned ? width : height;
    }

    /** The width of an upright pixel in its heights. */
    private double uprightAspect() {
        return turned ? 1 / aspect : aspect;
    }

    /** The width of the upright picture with square pixels: those that are higher than wide make it higher. */
    int squareWidth() {
        return (int) Math.round(uprightWidth() * Math.max(1, uprightAspect()));
    }

    int squareHeight() {
        return (int) Math.round(uprightHeight() / Math.min(1, uprightAspect()));
    }

    /** The arguments of FFmpeg's filter "buffer". */
    String source(AVRational timeBase) {
        return "video_size=" + width + "x" + height + ":pix_fmt=" + format + ":time_base=" + timeBase.num() + "/"
                + timeBase.den() + ":pixel_aspect=1/1:colorspace=" + colorSpace + ":range=" + range;
    }

    /**
     * Whether pictures come in colour, also where grey is wanted: FFmpeg's grey of RGB is not exact. Its grey of YUV is
     * the luma of BT.601, whatever the colour space is.
     */
    boolean isColoured(FrameFormat wanted) {
        return wanted.channels() == 3 || isRgb(format);
    }

    /** Whether parts of pictures may be transparent, so that they come as RGBA. */
    boolean hasAlpha() {
        return has(format, avutil.AV_PIX_FMT_FLAG_ALPHA | avutil.AV_PIX_FMT_FLAG_PAL);
    }

    /** The width of the part, of an upright picture, that has the wanted aspect ratio. In pixels as they are. */
    int partWidth(FrameFormat wanted) {
        return part(uprightWidth(), uprightHeight() * ratio(wanted));
    }

    int partHeight(FrameFormat wanted) {
        return part(uprightHeight(), uprightWidth() / ratio(wanted));
    }

    private static int part(int whole, double wanted) {
        return Math.max(1, (int) Math.min(whole, Math.round(wanted)));
    }

    private double ratio(FrameFormat wanted) {
        return (double) wanted.width() / wanted.height() / uprightAspect();
    }

    /** The filters that make the part of upright pictures that is wanted, in its number of pixels. */
    String filters(FrameFormat wanted) {
        StringBuilder filters = new StringBuilder();
        if (wanted.rate() > 0) {
            filters.append("fps=").append(wanted.rate()).append(',');
        }
        if (wanted.stride() > 1) {
            filters.append("select=not(mod(n\\,").append(wanted.stride()).append(")),");
        }
        if (!turn.isEmpty()) {
            filters.append(turn).append(',');
        }
        if (partWidth(wanted) < uprightWidth() || partHeight(wanted) < uprightHeight()) {
            filters.append("crop=").append(partWidth(wanted)).append(':').append(partHeight(wanted))
                    .append(":exact=1,");
        }
        return filters.append("scale=flags=bilinear+accurate_rnd+full_chroma_int+full_chroma_inp:out_range=full,")
                .append("format=").append(hasAlpha() ? "rgba" : isColoured(wanted) ? "rgb24" : "gray").toString();
    }
}
