package io.framecast.tools;

import io.framecast.data.Download;
import io.framecast.data.MnistDigits;
import io.framecast.data.MovingMnist;
import io.framecast.data.NpyVideos;
import io.framecast.data.Scale;
import io.framecast.files.AtomicFiles;
import io.framecast.text.Count;
import io.framecast.tools.option.ClipLength;
import io.framecast.tools.option.DataOptions;
import io.framecast.tools.option.FileName;
import io.framecast.tools.option.NpyOptions;
import io.framecast.tools.option.Options;
import io.framecast.tools.option.VideoOptions;
import io.framecast.tools.render.ContactSheet;
import io.framecast.tools.terminal.Terminal;
import io.framecast.video.ClipIndex;
import io.framecast.video.ClipSettings;
import io.framecast.video.VideoInfo;
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
        subcommands = {DataCommand.Generate.class, DataCommand.Fetch.class, DataCommand.Import.class,
            DataCommand.Info.class,
            DataCommand.Show.class})
final class DataCommand implements Runnable {

    @Spec
    CommandSpec spec;

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "Say what to do: generate, download, import, info or show.");
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
            FileName.requireSuffix(".npy", "--out", out);
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

    @Command(name = "import", description = "Cuts video files into clips of one shape, and writes them to a .npy file, "
            + "with a list of where each clip comes from beside it.")
    static final class Import implements Runnable {

        @Parameters(paramLabel = "VIDEOS", arity = "1..*", converter = FileName.OfVideos.class,
                description = "Video files; directories of them, or of numbered pictures, or of such directories; and "
                        + "quoted patterns such as \"clips/*.mp4\".")
        List<Path> sources;

        @Mixin
        VideoOptions video;

        @Mixin
        ClipLength clipLength;

        @Option(names = "--out", paramLabel = "FILE", required = true, description = "The .npy file to write.")
        Path out;

        @Override
        public void run() {
            sources.forEach(source -> Options.requireApart("VIDEOS", source, "--out", out));
            FileName.requireSuffix(".npy", "--out", out);
            Options.require(!AtomicFiles.isStream(AtomicFiles.destination(out)), "--out must be a file, not a pipe or "
                    + "a device: the list of clips is written beside it.");
            Options.requireWritable(out);
            ClipIndex index = video.importTo(out, sources.stream().map(Path::toString).toList(), clipLength.wanted());
            ClipSettings made = index.settings();
            Terminal.say("wrote " + out + ": " + Count.of(index.clips().size(), "clip") + " of "
                    + Count.of(made.frames(), "frame") + " of " + made.height() + "x" + made.width() + "x"
                    + made.channels() + ", of " + Count.of(index.files().stream().filter(file -> file.clips() > 0)
                    .count(), "video"));
        }
    }

    /** The file that the subcommands read. */
    static final class Source {

        @Parameters(paramLabel = "VIDEOS", arity = "0..1", converter = FileName.OfVideos.class,
                description = "The videos: " + VideoOptions.SOURCES + ".")
        Path file;

        @Option(names = "--data", paramLabel = "VIDEOS", converter = FileName.OfVideos.class,
                description = "The same.")
        Path data;

        @Mixin
        NpyOptions npy;

        @Mixin
        VideoOptions video;

        @Mixin
        ClipLength clipLength;

        /** Checks that the output is another file. */
        void requireApart(String writes, Path output) {
            Options.requireApart(file == null ? "--data" : "FILE", path(), writes, output);
        }

        Path path() {
            Options.require(file == null != (data == null), "Name one file of videos.");
            return file == null ? data : file;
        }

        VideoOptions.Opened open() {
            return video.open(path().toString(), npy, clipLength.wanted(), null, false);
        }
    }

    @Command(name = "info", description = "Describes a file of videos.")
    static final class Info implements Runnable {

        @Mixin
        Source source;

        /** A line about a video that clips come from. */
        private static void describe(ClipIndex.VideoFile file) {
            VideoInfo info = file.info();
            Terminal.say("  " + file.file() + ": " + (info == null ? "cannot be read"
                    : info.height() + "x" + info.width() + (info.rate() > 0 ? String.format(Locale.ROOT,
                    ", %.4g frames a second", info.rate()) : "") + ", " + Count.of(file.frames(), "frame") + " read, "
                    + Count.of(file.clips(), "clip")));
        }

        @Override
        public void run() {
            VideoOptions.Opened opened = source.open();
            try (NpyVideos videos = opened.videos()) {
                Terminal.say(source.path() + ": " + videos.describe());
                if (opened.index() != null) {
                    opened.index().files().forEach(Info::describe);
                }
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

        @Option(names = "--out", paramLabel = "FILE", required = true, description = "The .png file to write.")
        Path out;

        @Override
        public void run() {
            Options.require(count >= 1 && count <= 100, "--count must be from 1 to 100, not " + count + ".");
            source.requireApart("--out", out);
            FileName.requireSuffix(".png", "--out", out);
            Options.requireWritable(out);
            try (NpyVideos videos = source.open().videos()) {
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
