package io.framecast.tools.option;

import io.framecast.FramecastException;
import io.framecast.data.MnistDigits;
import io.framecast.data.MovingMnist;
import io.framecast.data.NpyVideos;
import io.framecast.data.Split;
import io.framecast.data.Videos;
import io.framecast.nn.FrameShape;
import io.framecast.text.Count;
import io.framecast.tools.terminal.Terminal;
import io.framecast.video.ClipIndex;
import io.framecast.video.VideoSources;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The options that select videos. */
public final class DataOptions {

    public static final String DIGITS = "Make generated videos of these images of 28x28 pixels, in the format IDX, "
            + "plain or gzipped: the first 8/10 for training, the next tenth for validation, the last tenth for tests. "
            + "Default: the 10,000 MNIST digits that come with Framecast.";

    public static final String GENERATED = "generated";
    private static final int GENERATED_VIDEOS = 1000;

    /** How many predicted frames are compared if the user does not say. */
    private static final int MOST_COMPARED = 10;

    @Option(names = "--data", paramLabel = "VIDEOS|generated", defaultValue = GENERATED,
            description = "The videos: " + VideoOptions.SOURCES + ". Or generated: Moving MNIST made on the spot. "
                    + "Default: ${DEFAULT-VALUE}.")
    public String data;

    @Option(names = "--digits", paramLabel = "FILE", description = DIGITS)
    public Path digits;

    @Mixin
    public NpyOptions npy;

    @Mixin
    public VideoOptions video;

    @Option(names = "--videos", paramLabel = "N",
            description = "Take the first N videos of the file, or generate N. Default: all of a file, "
                    + GENERATED_VIDEOS + " generated.")
    public Integer videos;

    /** Null where the videos are generated. */
    private NpyVideos file;

    /** Where clips of video files come from; null where that is not known. */
    private ClipIndex index;

    public boolean isGenerated() {
        return data.equals(GENERATED);
    }

    /** Whether the videos are video files or pictures, which become clips first. */
    public boolean isVideo() {
        return !isGenerated() && VideoSources.isVideo(data);
    }

    /** The file; null where the videos are generated. */
    public Path file() {
        return isGenerated() ? null : Path.of(data);
    }

    int generatedCount() {
        return videos == null ? GENERATED_VIDEOS : videos;
    }

    /** Whether what --data names is there. */
    public boolean isThere() {
        return isGenerated() || Files.exists(file()) || VideoSources.isVideo(data);
    }

    /** Opens the file, or generates videos of test digits, which no training has seen. */
    public Videos open(long seed, VideoOptions.Wanted wanted) {
        check(wanted);
        return isGenerated() ? MovingMnist.test(digits(digits), generatedCount(), seed) : openFile(wanted, null, false);
    }

    /**
     * Opens the file and splits it, or generates both parts from different digits.
     *
     * @param fresh whether generated training videos are new ones in every epoch
     * @param wanted the clips to make of video files
     * @param kept the .npy file for them
     * @param resumes whether they are taken from there in any case, if they are there
     */
    public Split split(double validationFraction, long seed, boolean fresh, VideoOptions.Wanted wanted, Path kept,
            boolean resumes) {
        check(wanted);
        Options.require(!fresh || isGenerated(), "--fresh makes new videos in every epoch; a file has none: leave out "
                + "--fresh or --data.");
        if (!isGenerated()) {
            Split split = split(openFile(wanted, kept, resumes), validationFraction);
            if (index != null && split.validation().count() > 0) {
                Terminal.say("split: " + Count.of(split.validation().count(), "clip") + " to validate with, of "
                        + (index.files().stream().filter(one -> one.clips() > 0).count() > 1
                        ? "other videos than those to train on" : "the end of the one video; clips that share frames "
                        + "with them are left out"));
            }
            return split;
        }
        return generatedSplit(digits(digits), generatedCount(), validationFraction, seed, fresh);
    }

    /** Splits opened videos: by the video files that they are clips of, if these are known, else by their number. */
    public Split split(Videos opened, double validationFraction) {
        return index == null ? Split.of(opened, validationFraction)
                : index.split(opened.count(), validationFraction).of(opened);
    }

    /** Generated videos for training, in every epoch new ones if {@code fresh}, and for validation. */
    public static Split generatedSplit(MnistDigits digits, int count, double validationFraction, long seed,
            boolean fresh) {
        List<MovingMnist> parts = generated(digits, count, validationFraction, seed);
        MovingMnist training = parts.get(0);
        return new Split(fresh ? training.fresh() : training,
                parts.size() > 1 ? parts.get(1) : training.slice(0, 0));
    }

    /** The digits of a file, or those that come with the program if it is null. */
    public static MnistDigits digits(Path file) {
        return file == null ? MnistDigits.bundled() : MnistDigits.read(file);
    }

    /**
     * Checks the values of the opened videos before they are used.
     *
     * @param frames how many frames of each are used
     * @throws FramecastException if there is an invalid value
     */
    public void check(int frames) {
        if (file != null) {
            npy.check(file, videos == null ? file.count() : videos, frames);
        }
    }

    /** Videos for training and, if there are any, for validation. The two sets have no digit in common. */
    public static List<MovingMnist> generated(MnistDigits digits, int count, double validationFraction, long seed) {
        int training = Split.trainingCount(count, validationFraction);
        MovingMnist first = MovingMnist.training(digits, training, seed);
        return training == count ? List.of(first)
                : List.of(first, MovingMnist.validation(digits, count - training, seed));
    }

    private void check(VideoOptions.Wanted wanted) {
        if (isGenerated()) {
            video.requireUnset(wanted, "generated ones have one shape");
        }
        FileName.problem(data).filter(problem -> !VideoSources.isVideo(data)).ifPresent(problem -> {
            throw new Options.UsageException("Wrong value for --data: " + problem + ".");
        });
        Options.require(digits == null || isGenerated(), "--digits is for generated videos; leave out --digits or "
                + "--data.");
        Options.require(videos == null || videos >= 1, "--videos must be at least 1, not " + videos + ".");
    }

    private Videos openFile(VideoOptions.Wanted wanted, Path kept, boolean resumes) {
        VideoOptions.Opened opened = video.open(data, npy, wanted, kept, resumes);
        file = opened.videos();
        index = opened.index();
        Terminal.say("data: " + data + ": " + file.describe());
        if (videos == null) {
            return file;
        }
        if (videos > file.count()) {
            throw new FramecastException("--videos asks for " + videos + " videos, but " + data + " holds "
                    + file.count() + ".");
        }
        return file.slice(0, videos);
    }

    /**
     * How many frames after the context can be compared with true frames; by default ten at most, as usual for Moving
     * MNIST.
     *
     * @param frames the number given by the user; null if none was given
     */
    public int comparable(Videos opened, int context, Integer frames) {
        int left = opened.frames() - context;
        if (left < 1 || frames != null && frames > left) {
            throw new FramecastException("The videos in " + data + " have " + Count.of(opened.frames(), "frame")
                    + ", too few for a context of " + context + " and "
                    + (frames == null ? "a" : frames.toString()) + " predicted; give a smaller --context"
                    + (frames == null ? "." : " or --frames."));
        }
        return frames == null ? Math.min(MOST_COMPARED, left) : frames;
    }

    /**
     * The clips that a command needs which compares forecasts of a model with true frames.
     *
     * @param frames the number to predict given by the user; null if none was given
     */
    public VideoOptions.Wanted wanted(int context, Integer frames, FrameShape model) {
        int compared = context + (frames == null ? MOST_COMPARED : frames);
        return new VideoOptions.Wanted(compared, false, compared, model);
    }

    public static FrameShape frameShape(Videos videos) {
        return new FrameShape(videos.height(), videos.width(), videos.channels());
    }

    /** @throws FramecastException if the frames do not have the shape of the model's input */
    public static void requireFrames(Videos videos, String source, FrameShape model) {
        if (!frameShape(videos).equals(model)) {
            throw new FramecastException(source + " has frames of " + frameShape(videos)
                    + ", but the model takes frames of " + model + ".");
        }
    }
}
