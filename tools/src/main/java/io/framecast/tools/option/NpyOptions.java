package io.framecast.tools.option;

import io.framecast.FramecastException;
import io.framecast.data.LayoutGuess;
import io.framecast.data.NpyVideos;
import io.framecast.data.Scale;
import io.framecast.data.ScaleException;
import io.framecast.data.ValueRange;
import io.framecast.data.VideoLayout;
import io.framecast.text.Count;
import io.framecast.tools.terminal.Terminal;
import java.nio.file.Path;
import java.util.function.Function;
import me.tongfei.progressbar.ProgressBar;
import picocli.CommandLine.Option;

/** The options on how to read a file of videos, and the messages about how it was read. */
public final class NpyOptions {

    private static final String AUTO = "auto";

    /** Below this number of bytes, a scan is too short for a progress bar. */
    private static final long LONG_SCAN = 500_000_000;

    @Option(names = "--layout", paramLabel = "AXES", defaultValue = AUTO,
            description = "The axes of the file in their order, of n (videos), t (frames), h, w and c (channels): "
                    + "nthw, tnhw, ntchw, thwc (one video) and so on; auto judges by the file. "
                    + "Default: ${DEFAULT-VALUE}.")
    private String layout;

    @Option(names = "--scale", paramLabel = "BLACK..WHITE", defaultValue = AUTO,
            description = "The values that are black and white, such as 0..255, -1..1, or 1 for 0..1. Auto: those of "
                    + "the type, or 255, 1023 or 4095 where that is the largest; 0..1 for floating-point numbers. "
                    + "Default: ${DEFAULT-VALUE}.")
    private String scale;

    private Path file;

    /** Opens a file, and prints the order of its axes if it could be another one. */
    public NpyVideos open(Path path) {
        file = path;
        NpyVideos videos = NpyVideos.open(path, parse("--layout", layout, VideoLayout::new),
                parse("--scale", scale, Scale::of));
        videos.layoutGuess().ifPresent(guess -> Terminal.note(text(videos, guess)));
        return videos;
    }

    /**
     * Opens the clips of video files.
     *
     * @param name of the videos, for messages
     */
    NpyVideos openClips(Path npy, String name) {
        file = Path.of(name);
        return NpyVideos.open(npy, new VideoLayout("nthwc"), null);
    }

    /** @throws Options.UsageException if an option says how to read a file that is a video */
    void requireUnset(String name) {
        Options.require(layout.equalsIgnoreCase(AUTO) && scale.equalsIgnoreCase(AUTO), "--layout and --scale are for "
                + ".npy files, and " + name + " is a video or a directory of them; leave them out.");
    }

    private static <T> T parse(String option, String text, Function<String, T> reader) {
        if (text.equalsIgnoreCase(AUTO)) {
            return null;
        }
        try {
            return reader.apply(text);
        } catch (FramecastException e) {
            throw new Options.UsageException(option + ": " + e.getMessage());
        }
    }

    private String text(NpyVideos videos, LayoutGuess guess) {
        return file + " of shape " + videos.shape().toString().replace('[', '(').replace(']', ')') + " is taken for "
                + Count.of(videos.count(), "video") + " of " + videos.frames() + " frames of "
                + DataOptions.frameShape(videos) + " (axes " + guess.layout() + "), as " + guess.reason()
                + "; if that is wrong, say --layout, such as --layout " + guess.other() + ".";
    }

    /**
     * Checks the values that a command will use, and prints the scale if it is not obvious.
     *
     * @param count how many videos it uses, from the first
     * @param frames how many frames of each, from the first
     * @throws FramecastException if there is an invalid value
     */
    public void check(NpyVideos videos, int count, int frames) {
        ValueRange range;
        try (Scan scan = new Scan()) {
            range = videos.check(count, frames, scan);
        }
        if (videos.isScaleJudged()) {
            Scale taken = videos.scale();
            Terminal.note(file + " holds " + videos.type() + " numbers: " + Scale.text(taken.black()) + " is taken for "
                    + "black and " + Scale.text(taken.white()) + ", the largest "
                    + (taken.white() == videos.type().range().white() ? "that the type can hold" : "in the file")
                    + ", for white; if that is wrong, say --scale BLACK..WHITE.");
        }
        if (range.outside() > 0) {
            Terminal.warn(file + " has " + range.outside() + " of " + range.count() + " values a little outside "
                    + videos.scale() + ", as resizing makes them (from " + Scale.text(range.least()) + " to "
                    + Scale.text(range.most()) + "); they are taken for black and white.");
        }
        if (range.dark()) {
            Terminal.warn(dark(videos, range));
        }
    }

    private String dark(NpyVideos videos, ValueRange range) {
        boolean whole = range.count() == (long) videos.count() * videos.frames() * videos.frameSize();
        String where = file + (whole ? "" : ", of the frames used,") + " ";
        double black = videos.scale().black() == 0 ? 0 : range.least();
        if (range.most() <= black) {
            return "all values of " + where + "are " + Scale.text(black) + (range.least() < black ? " or below" : "")
                    + ": there is nothing to see.";
        }
        return "the brightest value of " + where + "is " + Scale.text(range.most()) + ", where white is "
                + Scale.text(videos.scale().white()) + ": its videos are all but " + (black == 0 ? "black" : "flat")
                + "; if " + Scale.text(range.most()) + " is white, say --scale " + new Scale(black, range.most()) + ".";
    }

    /** The progress bar of a scan, if standard error is a terminal. */
    private static final class Scan implements NpyVideos.Progress, AutoCloseable {

        private ProgressBar bar;

        @Override
        public void update(long bytesDone, long bytesTotal) {
            if (bar == null && bytesTotal > LONG_SCAN && Terminal.isWatched()) {
                bar = Terminal.bar("looking at values").setUnit(" MB", 1_000_000).setInitialMax(bytesTotal).build();
            }
            if (bar != null) {
                bar.stepTo(bytesDone);
            }
        }

        @Override
        public void close() {
            if (bar != null) {
                bar.close();
            }
        }
    }

    /** The message about values that do not fit the scale, with advice. */
    public static String sentence(ScaleException e) {
        return e.fault() + "; if " + Scale.text(e.fitting().black()) + " is black and "
                + Scale.text(e.fitting().white()) + " is white, say --scale " + e.fitting() + ".";
    }
}
