package io.framecast.tools;

import io.framecast.keras.KerasReader;
import io.framecast.nn.Models;
import io.framecast.nn.Pair;
import io.framecast.text.Count;
import io.framecast.tools.option.Options;
import io.framecast.tools.terminal.Terminal;
import io.framecast.train.Checkpoint;
import java.nio.file.Path;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(name = "import", description = "Makes a checkpoint of a model that Keras saved.")
final class ImportCommand implements Runnable {

    @Parameters(paramLabel = "FILE", description = "What model.save or model.save_weights of Keras wrote: .keras, .h5 "
            + "or .weights.h5.")
    Path file;

    @Option(names = "--out", paramLabel = "CKPT", required = true, description = "The checkpoint to write.")
    Path out;

    @Option(names = "--model", paramLabel = "NAME|FILE", description = "The model for a file of weights alone: a "
            + "preset, or a file of model JSON.")
    String model;

    @Option(names = "--height", paramLabel = "H", description = "The frames' height. Default: the model's.")
    Integer height;

    @Option(names = "--width", paramLabel = "W", description = "The frames' width. Default: the model's.")
    Integer width;

    @Override
    public void run() {
        Options.require((height == null) == (width == null), "Give both --height and --width, or neither.");
        Options.require(height == null || Math.min(height, width) >= 1 && Math.max(height, width) <= 1 << 14,
                "--height and --width must be from 1 to 16384.");
        Options.require(model == null || height == null, "--height and --width are for a file with a model; --model "
                + "has its own.");
        Options.requireApart("FILE", file, "--out", out);
        Options.requireWritable(out);
        KerasReader.Imported imported = model != null ? KerasReader.readWeights(file, Models.load(model))
                : KerasReader.read(file, height == null ? null : new Pair(height, width));
        imported.notes().forEach(Terminal::note);
        Checkpoint checkpoint = imported.checkpoint();
        checkpoint.write(out);
        Terminal.say(out + ": " + Count.of(checkpoint.model().layers().size(), "layer") + ", "
                + Count.of(checkpoint.model().parameterCount(), "parameter") + ", frames of "
                + checkpoint.model().input());
    }
}
