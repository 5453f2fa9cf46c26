package io.framecast.tools;

import io.framecast.nn.FrameShape;
import io.framecast.nn.ModelConfig;
import io.framecast.nn.Models;
import io.framecast.text.Count;
import io.framecast.tools.option.CheckpointName;
import io.framecast.tools.option.Options;
import io.framecast.tools.terminal.Terminal;
import io.framecast.train.Checkpoint;
import java.nio.file.Path;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(name = "init", description = "Writes a checkpoint with a model's initial values, or with the parameters of a "
        + "run's checkpoint, smaller without the state of the run.")
final class InitCommand implements Runnable {

    @Option(names = "--model", paramLabel = "NAME|FILE", description = "keras, small, motion, "
            + "motion-large, or a file of model JSON.")
    String model;

    @Option(names = "--init", paramLabel = "CKPT|NAME",
            description = "Instead of --model: take model and parameters of this checkpoint, or of moving-mnist.")
    Path init;

    @Option(names = "--height", paramLabel = "H", description = "The frames' height. Default: the model's.")
    Integer height;

    @Option(names = "--width", paramLabel = "W", description = "The frames' width. Default: the model's.")
    Integer width;

    @Option(names = "--channels", paramLabel = "C", description = "The frames' channels. Default: the model's.")
    Integer channels;

    @Option(names = "--seed", paramLabel = "N", defaultValue = "1",
            description = "Of the random values. Default: ${DEFAULT-VALUE}.")
    long seed;

    @Option(names = "--out", paramLabel = "CKPT", required = true, description = "The file to write.")
    Path out;

    @Override
    public void run() {
        for (Integer size : new Integer[] {height, width, channels}) {
            Options.require(size == null || size >= 1 && size <= 1 << 14,
                    "--height, --width and --channels must be from 1 to 16384, not " + size + ".");
        }
        Options.require(model == null != (init == null), "Give --model or --init.");
        if (init != null) {
            Options.require(height == null && width == null && channels == null,
                    "--height, --width and --channels are for --model; a checkpoint has its own.");
            Options.requireApart("--init", CheckpointName.file(init), "--out", out);
            Options.requireWritable(out);
            write(CheckpointName.read(init).withoutTraining());
            return;
        }
        Options.requireApart("--model", Path.of(model), "--out", out);
        Options.requireWritable(out);
        FrameShape own = Models.load(model).input();
        FrameShape frames = new FrameShape(height == null ? own.height() : height, width == null ? own.width() : width,
                channels == null ? own.channels() : channels);
        // Options take precedence over the model's file.
        ModelConfig config = Models.load(model, frames).withInput(frames);
        write(Checkpoint.initial(config, seed));
    }

    private void write(Checkpoint checkpoint) {
        checkpoint.write(out);
        Terminal.say(out + ": " + Count.of(checkpoint.model().parameterCount(), "parameter") + ", frames of "
                + checkpoint.model().input());
    }
}
