package io.framecast.tools;

import io.framecast.data.Download;
import io.framecast.data.MnistDigits;
import io.framecast.data.MovingMnist;
import io.framecast.data.NpyVideos;
import io.framecast.data.Scale;
import io.framecast.text.Count;
import io.framecast.tools.option.DataOptions;
import io.framecast.tools.option.NpyOptions;
import io.framecast.tools.option.Options;
import io.framecast.tools.render.ContactSheet;
import io.framecast.tools.terminal.Terminal;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;
import me.tongfei.progressbar.ProgressBar;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

@Command(name = "data", description = "Makes, fetches, describes and shows videos.",
        subcommands = {DataCommand.Generate.class, DataCommand.Fetch.class, DataCommand.Info.class,
            DataCommand.Show.class})
final class DataCommand implements Runnable {

    @Spec
    CommandSpec spec;

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "Say what to do: generate, download, info or show.");
    }

    @Command(name = "generate", description = "Writes Moving MNIST in the layout of the official file. The videos for "
            + "validation, the last ones, show digits that the others do not; test digits are in neither.")
    static final class Generate implements Runnable {

        @Option(names = "--videos", paramLabel = "N", defaultValue = "1000",
                description = "How many. Default: ${DEFAULT-VALUE}.")
        int videos;

        @Option(names = "--validation-split", paramLabel = "X", defaultValue = "0.1",
                description = "The share of them, the last ones, that show validation digits. "
                        + "Default: ${DEFAULT-VALUE}.")
        double validationSplit;

        @Option(names = "--seed", paramLabel = "N", defaultValue = "1", description = "Default: ${DEFAULT-VALUE}.")
        long seed;

        @Option(names = "--digits", paramLabel = "FILE", description = DataOptions.DIGITS)
        Path digits;

        @Option(names = "--test", description = "Show test digits only, which no training from generated videos sees; "
                + "--validation-split has no effect then.")
        boolean test;

        @Option(names = "--out", paramLabel = "FILE", required = true, description = "The .npy file to write.")
        Path out;

        @Override
        public void run() {
            Options.require(videos >= 1, "--videos must be at least 1, not " + videos + ".");
            Options.requireSplit(validationSplit);
            Options.requireApart("--digits", digits, "--out", out);
            MnistDigits images = DataOptions.digits(digits);
            MovingMnist.write(out, test ? List.of(MovingMnist.test(images, videos, seed))
                    : DataOptions.generated(images, videos, validationSplit, seed));
            Terminal.say("wrote " + out + ": " + Count.of(videos, "video") + " of " + MovingMnist.FRAMES + " frames");
        }
    }

    @Command(name = "download", description = "Fetches the official Moving MNIST test set (819 MB), going on where an "
            + "earlier try was cut.")
    static final class Fetch implements Runnable {

        @Option(names = "--out", paramLabel = "FILE", defaultValue = "mnist_test_seq.npy",
                description = "Default: ${DEFAULT-VALUE}.")
        Path out;

        @Override
        public void run() {
            try (ProgressBar bar = Terminal.isWatched() ? Terminal.bar("download").setUnit(" MB", 1_000_000).build()
                    : null) {
                boolean fetched = Download.MOVING_MNIST.to(out, (done, total) -> {
                    if (bar != null) {
                        bar.maxHint(total);
                        bar.stepTo(done);
                    }
                });
                Terminal.say(fetched ? "wrote " + out : out + " is there already, and whole");
            }
        }
    }

    /** The file that the subcommands read. */
    static final class Source {

        @Parameters(paramLabel = "FILE", arity = "0..1", description = "A .npy file of videos.")
        Path file;

        @Option(names = "--data", paramLabel = "FILE", description = "The same.")
        Path data;

        @Mixin
        NpyOptions npy;

        /** Checks that the output is another file. */
        void requireApart(String writes, Path output) {
            Options.requireApart(file == null ? "--data" : "FILE", path(), writes, output);
        }

        Path path() {
            Options.require(file == null != (data == null), "Name one file of videos.");
            return file == null ? data : file;
        }

        NpyVideos open() {
            return npy.open(path());
        }
    }

    @Command(name = "info", description = "Describes a file of videos.")
    static final class Info implements Runnable {

        @Mixin
        Source source;

        @Override
        public void run() {
            try (NpyVideos videos = source.open()) {
                Terminal.say(source.path() + ": " + videos.describe());
                source.npy.check(videos, videos.count(), videos.frames());
                Scale scale = videos.scale();
                Terminal.say("scale: " + Scale.text(scale.black()) + " is black, " + Scale.text(scale.white())
                        + " is white");
                int sample = Math.min(100, videos.count());
                double sum = 0;
                float least = Float.POSITIVE_INFINITY;
                float most = Float.NEGATIVE_INFINITY;
                for (int k = 0; k < sample; k++) {
                    for (int frame = 0; frame < videos.frames(); frame++) {
                        for (float value : videos.get(k, frame, frame + 1).values()) {
                            sum += value;
                            least = Math.min(least, value);
                            most = Math.max(most, value);
                        }
                    }
                }
                long values = (long) sample * videos.frames() * videos.frameSize();
                System.out.printf(Locale.ROOT, "first %s, scaled to [0, 1]: from %.3f to %.3f, mean %.4f%n",
                        Count.of(sample, "video"), least, most, sum / values);
            }
        }
    }

    @Command(name = "show", description = "Draws the frames of some videos on one PNG.")
    static final class Show implements Runnable {

        @Mixin
        Source source;

        @Option(names = "--count", paramLabel = "N", defaultValue = "5",
                description = "How many videos. Default: ${DEFAULT-VALUE}.")
        int count;

        @Option(names = "--first", paramLabel = "N", defaultValue = "0",
                description = "The index of the first. Default: ${DEFAULT-VALUE}.")
        int first;

        @Option(names = "--out", paramLabel = "FILE", required = true, description = "The PNG to write.")
        Path out;

        @Override
        public void run() {
            Options.require(count >= 1 && count <= 100, "--count must be from 1 to 100, not " + count + ".");
            source.requireApart("--out", out);
            try (NpyVideos videos = source.open()) {
                source.npy.check(videos, 0, 0); // The frames to draw are checked when they are read.
                Options.require(first >= 0 && first < videos.count(),
                        "--first must be from 0 to " + (videos.count() - 1) + ", not " + first + ".");
                int last = Math.min(videos.count(), first + count);
                String notes = ContactSheet.write(out, videos, IntStream.range(first, last).toArray());
                Terminal.say("wrote " + out + (notes.isEmpty() ? "" : ": " + notes));
            }
        }
    }
}
