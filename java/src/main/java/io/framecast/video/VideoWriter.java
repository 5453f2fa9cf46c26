package io.framecast.video;

import io.framecast.FramecastException;
import io.framecast.files.AtomicFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * Writes frames to a video file that browsers and phones play. The file is made beside its place, and takes it when it
 * is complete: until {@link #finish}, an earlier file stays what it is.
 *
 * <pre>{@code
 * try (VideoWriter out = VideoWriter.open(file, VideoWriter.Format.MP4, 64, 64, 3, 10, 64, 64)) {
 *     for (float[] frame : frames) {
 *         out.write(frame);
 *     }
 *     out.finish();
 * }
 * }</pre>
 */
public final class VideoWriter implements FrameWriter {

    /** The kinds of files, by the ends of their names. */
    public enum Format {
        /** H.264 in MP4, of even height and width: of an odd one, the last row or column is doubled. */
        MP4,
        /** VP9 in WebM. */
        WEBM,
        /** An animation of at most 256 colours, chosen for the whole video, that repeats. */
        GIF;

        /**
         * The format by the name of a file.
         *
         * @param file such as video.mp4
         * @return empty if it has another end
         */
        public static Optional<Format> of(Path file) {
            String name = String.valueOf(file.getFileName()).toLowerCase(Locale.ROOT);
            for (Format format : values()) {
                if (name.endsWith("." + format.name().toLowerCase(Locale.ROOT))) {
                    return Optional.of(format);
                }
            }
            return Optional.empty();
        }
    }

    /** HDTV's, which is said in the file. */
    private static final String YUV = "scale=out_color_matrix=bt709:out_range=limited:flags=bicubic+accurate_rnd"
            + "+full_chroma_int+full_chroma_inp,format=yuv420p";

    private final Path file;
    private final Path made;
    private final Encoder encoder;
    private final int channels;
    private final byte[] frame;
    private long count;

    private VideoWriter(Path file, Path made, Encoder encoder, int channels, byte[] frame) {
        this.file = file;
        this.made = made;
        this.encoder = encoder;
        this.channels = channels;
        this.frame = frame;
    }

    /**
     * Begins a file.
     *
     * @param file what {@link #finish} replaces
     * @param format the kind of the file
     * @param height of frames
     * @param width of frames
     * @param channels of frames; the first is drawn in grey, unless there are 3: red, green and blue
     * @param rate frames a second; above 0
     * @param shownHeight of the video, to which frames are scaled
     * @param shownWidth of the video
     * @return what takes the frames, for the caller to close
     * @throws FramecastException if FFmpeg refuses, or the directory cannot be written
     */
    public static VideoWriter open(Path file, Format format, int height, int width, int channels, double rate,
            int shownHeight, int shownWidth) {
        if (!(rate > 0 && rate <= 1000)) {
            throw new FramecastException("A video of " + rate + " frames a second cannot be written; the rate is from"
                    + " above 0 to 1000.");
        }
        new FrameFormat(shownHeight, shownWidth, 1, 0, 1);
        int drawn = channels == 3 ? 3 : 1;
        Path made = null;
        try {
            made = temporary(file, "." + format.name().toLowerCase(Locale.ROOT));
            made.toFile().deleteOnExit(); // If the process is stopped.
            String scale = scale(height, width, shownHeight, shownWidth);
            int below = shownHeight % 2;
            int right = shownWidth % 2;
            String even = below + right == 0 ? "" : "pad=" + (shownWidth + right) + ":" + (shownHeight + below)
                    + ",fillborders=right=" + right + ":bottom=" + below + ":mode=smear,";
            Encoder encoder = new Encoder(made, kind(format, scale, even, drawn), height, width, drawn, rate);
            return new VideoWriter(file, made, encoder, channels, new byte[height * width * drawn]);
        } catch (IOException e) {
            throw AtomicFiles.cannotWrite(file, e);
        } catch (RuntimeException e) {
            delete(made);
            throw e;
        }
    }

    /** A file beside the one that is to be replaced; elsewhere where that is a pipe, or its directory is to be made. */
    private static Path temporary(Path file, String end) throws IOException {
        Path directory = AtomicFiles.destination(file).getParent();
        return directory == null || !Files.isDirectory(directory) || AtomicFiles.isStream(file)
                ? Files.createTempFile("framecast-", end) : Files.createTempFile(directory, ".framecast-", end);
    }

    private static Encoder.Kind kind(Format format, String scale, String even, int channels) {
        return switch (format) {
            // The quantiser's bounds keep the quality high whatever the size: Cisco's encoder has no constant quality.
            // Every picture is coded by itself, because that encoder takes small changes for none.
            case MP4 -> new Encoder.Kind("mp4", Ffmpeg.H264, scale + even + YUV,
                    Map.of("b", "20M", "qmin", "8", "qmax", "16", "g", "1", "profile", "constrained_baseline"),
                    Map.of("movflags", "+faststart"));
            case WEBM -> new Encoder.Kind("webm", "libvpx-vp9", scale + YUV,
                    Map.of("crf", "20", "b", "0", "deadline", "good", "cpu-used", "4", "row-mt", "1"), Map.of());
            case GIF -> new Encoder.Kind("gif", "gif", scale + (channels == 1 ? "format=gray"
                    : "split[a][b];[a]palettegen=reserve_transparent=0:stats_mode=full[p];"
                    + "[b][p]paletteuse=dither=sierra2_4a"), Map.of(), Map.of());
        };
    }

    /** The filter that enlarges or reduces frames, with a comma; empty: none. */
    static String scale(int height, int width, int shownHeight, int shownWidth) {
        return height == shownHeight && width == shownWidth ? ""
                : "scale=" + shownWidth + ":" + shownHeight + ":flags=bicubic+accurate_rnd+full_chroma_int,";
    }

    @Override
    public void write(float[] values) {
        FrameWriter.toBytes(values, channels, frame);
        encoder.put(frame, count++);
    }

    @Override
    public void finish() {
        encoder.finish();
        AtomicFiles.write(file, out -> Files.copy(made, out));
    }

    private static void delete(Path made) {
        try {
            if (made != null) {
                Files.deleteIfExists(made);
            }
        } catch (IOException e) {
            // The first failure is the one to report.
        }
    }

    @Override
    public void close() {
        encoder.close();
        delete(made);
    }
}
