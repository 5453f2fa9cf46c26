package io.framecast.tools;

import io.framecast.FramecastException;
import io.framecast.keras.KerasWriter;
import io.framecast.text.Count;
import io.framecast.tools.option.CheckpointName;
import io.framecast.tools.option.Options;
import io.framecast.tools.terminal.Terminal;
import io.framecast.train.Checkpoint;
import java.nio.file.Path;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(name = "export", description = "Writes a checkpoint as a file that Keras 3 loads.")
final class ExportCommand implements Runnable {

    @Parameters(paramLabel = "CKPT|NAME", description = CheckpointName.MODEL)
    Path checkpoint;

    @Option(names = "--out", paramLabel = "FILE", required = true, description = "The file to write: .keras or .h5 "
            + "for a model, .weights.h5 for weights alone.")
    Path out;

    @Override
    public void run() {
        try {
            KerasWriter.Format.of(out);
        } catch (FramecastException e) {
            Options.require(false, "--out: " + e.getMessage());
        }
        Options.requireApart("CKPT", CheckpointName.file(checkpoint), "--out", out);
        Options.requireWritable(out);
        Checkpoint model = CheckpointName.read(checkpoint);
        KerasWriter.write(model, out);
        Terminal.say(out + ": " + Count.of(model.model().layers().size(), "layer") + ", "
                + Count.of(model.model().parameterCount(), "parameter") + ", for Keras 3");
    }
}
