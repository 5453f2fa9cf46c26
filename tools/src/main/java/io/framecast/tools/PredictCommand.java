package io.framecast.tools;

import io.framecast.Count;
import io.framecast.FramecastException;
import io.framecast.backend.Backend;
import io.framecast.data.NpyType;
import io.framecast.data.NpyVideos;
import io.framecast.data.NpyWriter;
import io.framecast.nn.HostTensor;
import io.framecast.predict.TeacherForcing;
import io.framecast.train.Checkpoint;
import java.nio.file.Path;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(name = "predict", description = "Draws the frames that come next, for every video of a file.")
final class PredictCommand implements Runnable {

    @Mixin
    DeviceOptions device;

    @Option(names = "--checkpoint", paramLabel = "CKPT", required = true, description = "The model.")
    Path checkpoint;

    @Option(names = "--input", paramLabel = "X.npy", required = true, description = "The videos.")
    Path input;

    @Mixin
    NpyOptions npy;

    @Option(names = "--output", paramLabel = "Y.npy", required = true,
            description = "Where to write the predictions, (videos, frames, height, width, channels) float32.")
    Path output;

    @Option(names = "--context", paramLabel = "N", defaultValue = "10",
            description = "How many frames of each video the model sees. Default: ${DEFAULT-VALUE}.")
    int context;

    @Option(names = "--frames", paramLabel = "N", defaultValue = "10",
            description = "How many frames to predict. Default: ${DEFAULT-VALUE}.")
    int frames;

    @Option(names = "--teacher-forced",
            description = "Instead show the model every true frame: frame t of the output predicts frame t+1.")
    boolean teacherForced;

    @Override
    public void run() {
        Options.require(context >= 1, "--context must be at least 1, not " + context + ".");
        Options.require(frames >= 1, "--frames must be at least 1, not " + frames + ".");
        Checkpoint model = Checkpoint.read(checkpoint);
        try (Backend backend = device.open(); NpyVideos videos = npy.open(input)) {
            Terminal.say("input: " + videos.describe());
            DataOptions.requireFrames(videos, input.toString(), model.model().input());
            if (!teacherForced && videos.frames() < context) {
                throw new FramecastException("The videos in " + input + " have " + Count.of(videos.frames(), "frame")
                        + ", fewer than the context of " + context + "; give a smaller --context.");
            }
            int mostFrames = HostTensor.MAX_SIZE / videos.frameSize();
            Options.require(frames <= mostFrames, "--frames must be at most " + mostFrames + " for frames of "
                    + model.model().input() + ", not " + frames + ".");
            npy.check(videos, videos.count(), teacherForced ? videos.frames() : context);
            int written = teacherForced ? videos.frames() : frames;
            NpyWriter.write(output, NpyType.FLOAT32,
                    List.of(videos.count(), written, videos.height(), videos.width(), videos.channels()), out -> {
                        if (teacherForced) {
                            try (TeacherForcing forcing = new TeacherForcing(backend, model.model(), model.parameters(),
                                    videos.frames())) {
                                for (int k = 0; k < videos.count(); k++) {
                                    out.write(forcing.predict(videos.get(k)).values());
                                }
                            }
                        } else {
                            try (Forecaster forecaster = new Forecaster(backend, model, context, frames)) {
                                for (Forecaster.Forecast forecast : forecaster.all(videos)) {
                                    out.write(forecast.prediction().values());
                                }
                            }
                        }
                    });
            Terminal.say("wrote " + output + ": " + Count.of(videos.count(), "video") + " of "
                    + Count.of(written, "frame"));
        }
    }
}
