package io.framecast.tools;

import io.framecast.FramecastException;
import io.framecast.backend.Backend;
import io.framecast.data.Videos;
import io.framecast.files.AtomicFiles;
import io.framecast.predict.NotFiniteException;
import io.framecast.tools.option.CheckpointName;
import io.framecast.tools.option.DataOptions;
import io.framecast.tools.option.DeviceOptions;
import io.framecast.tools.option.FileName;
import io.framecast.tools.option.Options;
import io.framecast.tools.terminal.Terminal;
import io.framecast.train.Checkpoint;
import java.nio.file.Path;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(name = "gifs", description = "Animates truth and prediction side by side, for random validation videos.")
final class GifsCommand implements Runnable {

    @Mixin
    DataOptions data;

    @Mixin
    DeviceOptions device;

    @Option(names = "--checkpoint", paramLabel = "CKPT|NAME", required = true, description = CheckpointName.MODEL)
    Path checkpoint;

    @Option(names = "--compare", paramLabel = "CKPT|NAME",
            description = "Another model, whose predictions are drawn instead of the differences.")
    Path compare;

    @Option(names = "--count", paramLabel = "N", defaultValue = "5",
            description = "How many videos. Default: ${DEFAULT-VALUE}.")
    int count;

    @Option(names = "--seed", paramLabel = "N", defaultValue = "1",
            description = "Of the choice, and of generated videos. Default: ${DEFAULT-VALUE}.")
    long seed;

    @Option(names = "--context", paramLabel = "N", defaultValue = "10",
            description = "How many frames of each video the model sees. Default: ${DEFAULT-VALUE}.")
    int context;

    @Option(names = "--validation-split", paramLabel = "X", defaultValue = "0.1",
            description = "The share of the videos, the last ones, to choose from; all are, where these are too few. "
                    + "Default: ${DEFAULT-VALUE}.")
    double validationSplit;

    @Option(names = "--out", paramLabel = "DIR", required = true, converter = FileName.OfDirectory.class,
            description = "The directory for the pictures.")
    Path out;

    @Override
    public void run() {
        Options.require(count >= 1, "--count must be at least 1, not " + count + ".");
        Options.require(context >= 1, "--context must be at least 1, not " + context + ".");
        Options.requireSplit(validationSplit);
        List<Path> earlier = Pictures.in(out);
        Options.requireApart("--checkpoint", CheckpointName.file(checkpoint), "--out", out, earlier);
        Options.requireApart("--data", data.file(), "--out", out, earlier);
        Options.requireApart("--digits", data.digits, "--out", out, earlier);
        Options.requireApart("--compare", CheckpointName.file(compare), "--out", out, earlier);
        AtomicFiles.requireDirectory(out);
        Checkpoint model = CheckpointName.read(checkpoint);
        Checkpoint other = compare == null ? null : CheckpointName.read(compare);
        if (other != null && !other.model().input().equals(model.model().input())) {
            throw new FramecastException("The models of --checkpoint and --compare take frames of different sizes, "
                    + model.model().input() + " and " + other.model().input() + "; no videos fit both.");
        }
        try (Backend backend = device.open(); Videos all = data.open(seed,
                data.wanted(context, null, model.model().input()))) {
            DataOptions.requireFrames(all, data.data, model.model().input());
            Options.require(count <= all.count(),
                    "--count asks for " + count + " videos, but there are " + all.count() + ".");
            // Generated videos show only test digits here. If all videos of a file are used, no split is needed.
            Videos last = data.isGenerated() || count == all.count() ? all
                    : data.split(all, validationSplit).validation();
            Videos choice = last.count() >= count ? last : all;
            Pictures pictures = new Pictures(choice, context, data.comparable(all, context, null));
            data.check(context + pictures.frames());
            try (Pictures.Model first = pictures.open(backend, model,
                            other == null ? "prediction" : title(checkpoint, "checkpoint"));
                    Pictures.Model second = other == null ? null
                            : pictures.open(backend, other, title(compare, "compare"))) {
                pictures.omissions().forEach(Terminal::say);
                pictures.write(second == null ? List.of(first) : List.of(first, second), count, seed, out)
                        .forEach(f -> Terminal.say(f.gif() + "  " + f.strip()));
            } catch (NotFiniteException e) {
                throw e.withAdvice("Use another checkpoint.");
            }
        }
    }

    /** The name of a trained model, which is short; else the name of the option. */
    private static String title(Path given, String option) {
        return CheckpointName.file(given) == null ? given.toString() : option;
    }
}
