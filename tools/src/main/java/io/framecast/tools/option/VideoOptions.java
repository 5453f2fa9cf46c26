package io.framecast.tools.option;

import io.framecast.FramecastException;
import io.framecast.data.NpyVideos;
import io.framecast.nn.FrameShape;
import io.framecast.text.Count;
import io.framecast.tools.terminal.FetchProgress;
import io.framecast.tools.terminal.Terminal;
import io.framecast.video.ClipImport;
import io.framecast.video.ClipIndex;
import io.framecast.video.ClipSettings;
import io.framecast.video.Ffmpeg;
import io.framecast.video.MixedSizesException;
import io.framecast.video.VideoSources;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import me.tongfei.progressbar.ProgressBar;
import picocli.CommandLine.Option;

/** The options on how video files become clips of frames. */
public final class VideoOptions {

    /** What of a name leads to videos, for descriptions. */
    public static final String SOURCES = "a .npy file of videos; a video file; a directory of them, or of numbered "
            + "pictures, or of such directories; or a quoted pattern such as \"clips/*.mp4\"";

    private static final Pattern SIZE = Pattern.compile("(\\d{1,5})[xX](\\d{1,5})");

    /** The most problems of files that are named one by one. */
    private static final int NAMED = 10;

    @Option(names = "--size", paramLabel = "HxW", description = "Of video files: crop frames around the centre to this "
            + "shape, and scale them to this height and width in pixels. Default: the model's where there is one, else "
            + "that of the videos, if all have the same.")
    private String size;

    @Option(names = "--gray", description = "Of video files: take frames in grey. Default: as the model takes them, "
            + "else as the videos are.")
    private boolean gray;

    @Option(names = "--rgb", description = "Of video files: take frames in colour.")
    private boolean rgb;

    @Option(names = "--fps", paramLabel = "X", description = "Of video files: resample to X frames a second first.")
    private Double fps;

    @Option(names = "--stride", paramLabel = "N", description = "Of video files: take every N-th frame. Default: 1.")
    private Integer stride;

    @Option(names = "--clip-step", paramLabel = "N", description = "Of video files: begin a clip every N frames. "
            + "Default: clips do not overlap (predict: one clip of each video).")
    private Integer clipStep;

    /**
     * What a command needs of videos.
     *
     * @param frames the frames of a clip
     * @param given whether the user gave them as --frames, which is for video files only
     * @param step where clips begin if --clip-step is not given, see {@link ClipSettings}
     * @param model the frames of its model; null: any
     */
    public record Wanted(int frames, boolean given, int step, FrameShape model) {
    }

    /**
     * An opened file.
     *
     * @param index where its clips come from; null: not known
     */
    public record Opened(NpyVideos videos, ClipIndex index) {
    }

    /** Frames a second, to which videos are resampled; 0: as they are. */
    public double fps() {
        return fps == null ? 0 : fps;
    }

    public int stride() {
        return stride == null ? 1 : stride;
    }

    public boolean hasClipStep() {
        return clipStep != null;
    }

    /** @throws Options.UsageException if an option on clips was given for something else than video files */
    void requireUnset(Wanted wanted, String name) {
        Options.require(!isGiven() && !wanted.given(), "--size, --gray, --rgb, --fps, --stride, --clip-step and the "
                + "--frames of clips are for video files; " + name + ".");
    }

    private boolean isGiven() {
        return size != null || gray || rgb || fps != null || stride != null || clipStep != null;
    }

    /**
     * Opens what a name leads to. Clips of videos are in a file that is deleted when it is closed, or in {@code kept}.
     *
     * @param kept the .npy file for the clips of videos, which is taken if it has them already; null: none
     * @param resumes whether {@code kept} is taken as it is, if it is there
     */
    public Opened open(String name, NpyOptions npy, Wanted wanted, Path kept, boolean resumes) {
        if (!VideoSources.isVideo(name) && !(resumes && hasClips(kept))) {
            requireUnset(wanted, name + " is taken for a .npy file");
            NpyVideos videos = npy.open(Path.of(name));
            return new Opened(videos, index(Path.of(name), videos));
        }
        npy.requireUnset(name);
        if (kept == null) {
            return openOnce(name, npy, wanted);
        }
        ClipIndex index = resumes && hasClips(kept) ? ClipIndex.read(kept).orElseThrow() : keep(name, wanted, kept);
        return new Opened(npy.openClips(kept, name), index);
    }

    private static boolean hasClips(Path kept) {
        return kept != null && Files.exists(kept) && Files.exists(ClipIndex.beside(kept));
    }

    /** The index beside a .npy file, if it is about its videos. */
    private static ClipIndex index(Path npy, NpyVideos videos) {
        Optional<ClipIndex> index = ClipIndex.read(npy);
        if (index.isPresent() && index.get().clips().size() != videos.count()) {
            Terminal.warn(ClipIndex.beside(npy) + " is about " + index.get().clips().size() + " clips, and " + npy
                    + " has " + videos.count() + ": it is not used.");
            return null;
        }
        return index.orElse(null);
    }

    private Opened openOnce(String name, NpyOptions npy, Wanted wanted) {
        Path file;
        try {
            file = Files.createTempFile("framecast-", ".npy");
        } catch (IOException e) {
            throw new FramecastException("There is no place for the clips of " + name + ": " + e.getMessage()
                    + "; name another directory by JAVA_TOOL_OPTIONS=-Djava.io.tmpdir=DIR.", e);
        }
        file.toFile().deleteOnExit(); // If the command is stopped.
        ClipIndex.beside(file).toFile().deleteOnExit();
        try {
            ClipIndex index = importTo(file, List.of(name), wanted);
            // Deleted while open: Linux keeps it until it is closed.
            return new Opened(npy.openClips(file, name), index);
        } finally {
            delete(file);
            delete(ClipIndex.beside(file));
        }
    }

    private static void delete(Path file) {
        try {
            Files.deleteIfExists(file);
        } catch (IOException e) {
            Terminal.warn("The temporary file " + file + " cannot be deleted.");
        }
    }

    private ClipIndex keep(String name, Wanted wanted, Path kept) {
        String key = ClipImport.key(VideoSources.find(List.of(name)).videos(), settings(wanted));
        if (hasClips(kept)) {
            Optional<ClipIndex> index = ClipIndex.read(kept).filter(known -> known.key().equals(key));
            if (index.isPresent()) {
                Terminal.say("clips: from " + kept);
                return index.get();
            }
        }
        delete(ClipIndex.beside(kept)); // So that it is never beside the clips of other videos.
        return importTo(kept, List.of(name), wanted);
    }

    /** Imports videos, and names those with a problem. */
    public ClipIndex importTo(Path npy, List<String> names, Wanted wanted) {
        ClipSettings settings = settings(wanted);
        requireOwn(ClipIndex.beside(npy), npy);
        VideoSources sources = VideoSources.find(names);
        if (!sources.ignored().isEmpty()) {
            Terminal.note("left out, as no videos, no pictures of one, or not readable: "
                    + Count.of(sources.ignored().size(), "file") + ", such as " + sources.ignored().get(0) + ".");
        }
        Ffmpeg.load(new FetchProgress());
        ClipIndex index;
        try (ProgressBar bar = Terminal.isWatched() ? Terminal.bar("reading videos").setInitialMax(
                sources.videos().size()).build() : null) {
            index = ClipImport.write(npy, sources, settings, (video, videos, clips) -> {
                if (bar != null) {
                    bar.stepTo(video);
                    bar.setExtraMessage(" " + Count.of(clips, "clip"));
                }
            });
        } catch (MixedSizesException e) {
            throw new FramecastException(e.getMessage().replaceFirst("\\.$", "") + ", such as --size 64x64.", e);
        }
        sayProblems(index);
        return index;
    }

    /** The list of clips is written beside them: another file of that name is not replaced. */
    private static void requireOwn(Path list, Path npy) {
        try {
            ClipIndex.read(npy);
        } catch (FramecastException e) {
            throw new FramecastException(list + ", where the list of clips goes, is there already and is no such list;"
                    + " move it away, or choose another name for the clips.", e);
        }
    }

    private static void sayProblems(ClipIndex index) {
        List<String> problems = index.files().stream().map(ClipIndex.VideoFile::problem)
                .filter(problem -> problem != null).toList();
        problems.stream().limit(NAMED).forEach(Terminal::warn);
        if (problems.size() > NAMED) {
            Terminal.warn("The same for " + Count.of(problems.size() - NAMED, "further file") + " of "
                    + index.files().size() + "; framecast data info names all.");
        }
    }

    private ClipSettings settings(Wanted wanted) {
        Options.require(!gray || !rgb, "--gray and --rgb exclude each other; leave out one.");
        Options.require(stride == null || stride >= 1, "--stride must be at least 1, not " + stride + ".");
        Options.require(clipStep == null || clipStep >= 1, "--clip-step must be at least 1, not " + clipStep + ".");
        Options.require(fps == null || fps > 0 && fps <= 1000, "--fps must be from above 0 to 1000, not " + fps + ".");
        FrameShape model = wanted.model();
        int height = model == null ? 0 : model.height();
        int width = model == null ? 0 : model.width();
        if (size != null) {
            Matcher matcher = SIZE.matcher(size);
            Options.require(matcher.matches(), "--size must be height and width, each at most 99999, such as 64x64, "
                    + "not " + size + ".");
            height = Integer.parseInt(matcher.group(1));
            width = Integer.parseInt(matcher.group(2));
            Options.require(height >= 1 && width >= 1, "--size must be at least 1x1, not " + size + ".");
        }
        int channels = gray ? 1 : rgb ? 3 : model == null ? 0 : model.channels();
        if (channels != 0 && channels != 1 && channels != 3) {
            throw new FramecastException("Video files have 1 channel (grey) or 3 (colour), and the model takes "
                    + channels + ".");
        }
        int step = clipStep != null ? clipStep : wanted.step();
        return new ClipSettings(wanted.frames(), step, height, width, channels, fps(), stride());
    }
}
