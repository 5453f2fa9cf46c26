package io.framecast.tools;

import io.framecast.FramecastException;
import io.framecast.backend.Backend;
import io.framecast.data.NpyVideos;
import io.framecast.data.Videos;
import io.framecast.nn.FrameShape;
import io.framecast.predict.ForecastListener;
import io.framecast.predict.Forecaster;
import io.framecast.predict.NotFiniteException;
import io.framecast.text.Count;
import io.framecast.tools.distributed.Processes;
import io.framecast.tools.distributed.SharedCommand;
import io.framecast.tools.distributed.SharedForecast;
import io.framecast.tools.option.CheckpointName;
import io.framecast.tools.option.DataOptions;
import io.framecast.tools.option.DeviceOptions;
import io.framecast.tools.option.FileName;
import io.framecast.tools.option.NpyOptions;
import io.framecast.tools.option.Options;
import io.framecast.tools.option.VideoOptions;
import io.framecast.tools.terminal.FetchProgress;
import io.framecast.tools.terminal.Terminal;
import io.framecast.train.Checkpoint;
import io.framecast.video.ClipSettings;
import io.framecast.video.Ffmpeg;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(name = "predict", description = "Draws the frames that come next, for every video of a file.")
final class PredictCommand implements Runnable, SharedCommand {

    private static final int MOST_FRAMES = 1_000_000;

    @Mixin
    DeviceOptions device;

    @Option(names = "--checkpoint", paramLabel = "CKPT|NAME", required = true, description = CheckpointName.MODEL)
    Path checkpoint;

    @Option(names = "--input", paramLabel = "VIDEOS", required = true, converter = FileName.OfVideos.class,
            description = "The videos: " + VideoOptions.SOURCES + ".")
    Path input;

    @Mixin
    NpyOptions npy;

    @Mixin
    VideoOptions video;

    @Option(names = "--output", paramLabel = "FILE|DIR/", required = true, converter = FileName.WithSlash.class,
            description = "Where to write the predictions: a .npy file, (videos, frames, height, width, channels) "
                    + "float32; a video, .mp4, .webm or .gif; or a directory, for pictures frame_0001.png and so on. "
                    + "Several videos are numbered: x-1.mp4, or DIR/1.")
    String output;

    enum Like {
        SOURCE
    }

    @Option(names = "--like", paramLabel = "source", description = "source: show a forecast of a video file in the "
            + "size of the part of it that the model saw, and at its rate. Default: in the model's size, ten frames "
            + "a second.")
    Like like;

    @Option(names = "--context", paramLabel = "N", defaultValue = "10",
            description = "How many frames of each video the model sees. Default: ${DEFAULT-VALUE}.")
    int context;

    @Option(names = "--frames", paramLabel = "N", defaultValue = "10",
            description = "How many frames to predict. Default: ${DEFAULT-VALUE}.")
    int frames;

    @Option(names = "--at-end", description = "Show the model the last --context frames of each video, and predict "
            + "what comes after its end. Default: the first ones.")
    boolean atEnd;

    @Option(names = "--teacher-forced",
            description = "Instead show the model every true frame: frame t of the output predicts frame t+1.")
    boolean teacherForced;

    @Override
    public void run() {
        Options.require(context >= 1, "--context must be at least 1, not " + context + ".");
        Options.require(frames >= 1 && frames <= MOST_FRAMES,
                "--frames must be from 1 to " + MOST_FRAMES + ", not " + frames + ".");
        Options.require(!atEnd || !teacherForced, "--at-end and --teacher-forced exclude each other; leave out one.");
        Options.require(!atEnd || !video.hasClipStep(), "--at-end takes one clip of each video, its last; leave out "
                + "--clip-step.");
        ForecastFile to = new ForecastFile(output);
        Options.requireApart("--checkpoint", CheckpointName.file(checkpoint), "--output", to.path());
        Options.requireApart("--input", input, "--output", to.path());
        to.requireFormat();
        to.requireWritable();
        Checkpoint model = CheckpointName.read(checkpoint);
        try (Backend backend = device.open()) {
            VideoOptions.Opened opened = video.open(input.toString(), npy, wanted(model.model().input()), null, false);
            try (NpyVideos videos = opened.videos()) {
                Terminal.say("input: " + videos.describe());
                DataOptions.requireFrames(videos, input.toString(), model.model().input());
                requireContext(videos);
                Processes.requireSame(model, videos, context + " " + frames + " " + atEnd + " " + teacherForced);
                if (Processes.isFirst()) {
                    predict(backend, model, opened, to);
                } else {
                    forecast(backend, model, videos, (video, frame, values) -> { });
                }
            }
        }
    }

    private void requireContext(NpyVideos videos) {
        if (!teacherForced && videos.frames() < context) {
            throw new FramecastException("The videos in " + input + " have " + Count.of(videos.frames(), "frame")
                    + ", fewer than the context of " + context + "; give a smaller --context.");
        }
    }

    private void predict(Backend backend, Checkpoint model, VideoOptions.Opened opened, ForecastFile to) {
        NpyVideos videos = opened.videos();
        List<ForecastFile.Shown> shown = to.shown(videos, opened.index(), like != null, video.fps(), video.stride());
        Options.requireApart("--input", input, "--output", to.path(), to.places(videos));
        to.requireWritable(videos);
        if (!to.isArray()) {
            Ffmpeg.load(new FetchProgress());
        }
        npy.check(videos, videos.count(), teacherForced || atEnd ? videos.frames() : context);
        int written = teacherForced ? videos.frames() : frames;
        String place = to.write(videos, written, shown, order -> {
            try {
                forecast(backend, model, videos, order);
            } catch (UncheckedIOException e) {
                throw e.getCause();
            }
        });
        if (!to.isArray() && opened.index() != null && videos.count() > 1) {
            to.sources(videos, opened.index()).forEach(Terminal::say);
        }
        Terminal.say("wrote " + place + ": " + Count.of(videos.count(), "video") + " of "
                + Count.of(written, "frame"));
    }

    /** Of each video file, one clip: what the model is shown, unless all its frames are predicted. */
    private VideoOptions.Wanted wanted(FrameShape model) {
        return new VideoOptions.Wanted(teacherForced ? context + frames : context, false,
                atEnd ? ClipSettings.LAST_CLIP : ClipSettings.ONE_CLIP, model);
    }

    /** @param to keeps forecasts until they can be written in the file's order */
    private void forecast(Backend backend, Checkpoint model, NpyVideos videos, ForecastListener to) {
        Videos seen = atEnd ? videos.lastFrames(context) : videos;
        int kept = teacherForced ? videos.frames() : frames;
        try (Forecaster forecaster = Forecaster.open(backend, model,
                Forecaster.videosAtOnce(model.model(), kept))) {
            SharedForecast.run(Processes.group(), seen.count(), Forecaster.videosAtOnce(model.model(), kept), to,
                    (indices, listener) -> {
                        if (teacherForced) {
                            forecaster.forecastEachFrame(seen, indices, listener);
                        } else {
                            forecaster.forecast(seen, indices, context, frames, listener);
                        }
                    });
        } catch (NotFiniteException e) {
            throw e.withAdvice(teacherForced || frames == 1 ? "Use another checkpoint."
                    : "Predict fewer --frames, or use another checkpoint.");
        }
    }
}
