package io.framecast.tools;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.framecast.FramecastException;
import io.framecast.train.MovingSquares;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Every wrong input gives a message of one sentence and an exit status, and leaves no files. */
class BadInputTest {

    @TempDir
    static Path directory;
    private static Workplace work;

    @BeforeAll
    static void prepare() throws IOException {
        work = Workplace.in(directory);
        work.init();
        Files.createDirectory(work.file("directory"));
        Workplace.write(work.file("file"), "a file");
        Workplace.write(work.file("other.json"), Files.readString(work.model()).replace("\"filters\": 1",
                "\"filters\": 2"));
        Workplace.write(work.file("broken.json"), "{\"input\": ");
        Workplace.write(work.file("odd.json"), Files.readString(work.model()).replace("BatchNormalization", "Dropout"));
        String[] variants = {"object", "{}", "nameless", "[{'model': 'small'}]", "no-model", "[{'name': 'a'}]",
            "twice", "[{'name': 'a', 'model': 'small'}, {'name': 'a', 'model': 'small'}]",
            "path", "[{'name': '../a', 'model': 'small'}]", "table", "[{'name': 'table', 'model': 'small'}]",
            "unknown", "[{'name': 'a', 'model': 'small', 'epochs': 3}]",
            "wrong", "[{'name': 'a', 'model': 'small', 'lr': -1}]",
            "no-number", "[{'name': 'a', 'model': 'small', 'ema': 'much'}]",
            "a", "[{'name': 'tune-a', 'model': 'small'}]"};
        for (int k = 0; k < variants.length; k += 2) {
            Workplace.write(work.file("tune-" + variants[k] + ".json"), variants[k + 1].replace('\'', '"'));
        }
        Npy.write(work.file("large.npy"), new MovingSquares(2, 4, 12, 10, 1));
        Npy.write(work.file("colour.npy"), new MovingSquares(2, 4, 6, 10, 3));
        float[] values = new float[2 * 3 * 60];
        String shape = "(2, 3, 6, 10)";
        Npy.write(work.file("nan.npy"), shape, with(values, 355, Float.NaN));
        Npy.write(work.file("infinite.npy"), shape, with(values, 355, Float.POSITIVE_INFINITY));
        Npy.write(work.file("pixels.npy"), shape, with(values, 355, 255));
        Npy.write(work.file("negative.npy"), shape, with(values, 355, -0.2f));
        Npy.write(work.file("rank3.npy"), "(6, 6, 10)", values);
        Npy.write(work.file("none.npy"), "(0, 3, 6, 10)");
        Npy.write(work.file("one-frame.npy"), "(6, 1, 6, 10)", values);
        Npy.write(work.file("short.npy"), "(3, 3, 6, 10)", values);
        Npy.write(work.file("vast.npy"), "(4611686018427387904, 3, 6, 10)", values);
        Npy.write(work.file("complex.npy"), "<c8", "False", shape, new byte[8 * 360]);
        Npy.write(work.file("long.npy"), "<i8", "False", shape, new byte[8 * 360]);
        Npy.write(work.file("object.npy"), "|O", "False", shape, new byte[8 * 360]);
        Files.createSymbolicLink(work.file("symbolic"), work.data());
        Files.createLink(work.file("hard"), work.data());
        Path checkpoints = Files.createDirectories(work.file("run/checkpoints"));
        Files.copy(work.file("init.safetensors"), checkpoints.resolve("best.safetensors"));
        Files.createDirectories(work.file("run/gifs"));
        Files.copy(work.data(), work.file("run/gifs/video-1.png"));
        Files.write(work.file("labels"), ByteBuffer.allocate(18).putInt(2049).putInt(10).array());
        byte[] nine = ByteBuffer.allocate(16 + 9 * 784).putInt(2051).putInt(9).putInt(28).putInt(28).array();
        Files.write(work.file("nine"), nine);
        ByteArrayOutputStream gzip = new ByteArrayOutputStream();
        try (OutputStream out = new GZIPOutputStream(gzip)) {
            out.write(nine);
        }
        Files.write(work.file("cut.gz"), Arrays.copyOf(gzip.toByteArray(), 20));
        byte[] damaged = gzip.toByteArray();
        damaged[10] = -1;
        Files.write(work.file("damaged.gz"), damaged);
        byte[] good = Files.readAllBytes(work.data());
        Files.write(work.file("cut.npy"), Arrays.copyOf(good, good.length - 1));
        Files.write(work.file("cut-header.npy"), Arrays.copyOf(good, 40));
        byte[] checkpoint = Files.readAllBytes(work.file("init.safetensors"));
        Files.write(work.file("cut.safetensors"), Arrays.copyOf(checkpoint, checkpoint.length - 1));
    }

    private static float[] with(float[] values, int at, float value) {
        float[] changed = values.clone();
        changed[at] = value;
        return changed;
    }

    private static Arguments usage(String command, String... says) {
        return Arguments.of(2, command, List.of(says));
    }

    private static Arguments failure(String command, String... says) {
        return Arguments.of(1, command, List.of(says));
    }

    /** {@code @} stands for the test's directory in names of files. */
    static Stream<Arguments> optionsOutOfRange() {
        String train = "train --data @videos.npy --model @tiny.json --out @new ";
        String predict = "predict --checkpoint @init.safetensors --input @videos.npy --output @new.npy ";
        String evaluate = "evaluate --checkpoint @init.safetensors --data @videos.npy --json @new.json ";
        String gifs = "gifs --checkpoint @init.safetensors --data @videos.npy --out @new ";
        String init = "init --model @tiny.json --out @new.safetensors ";
        String generate = "data generate --out @new.npy ";
        String tune = "tune --out @new --data @videos.npy --budget 1 --variants ";
        return Stream.of(
                usage("", "subcommand"), usage("prophesy", "prophesy"), usage("data", "generate"), usage("data forget",
                "forget"),
                usage("--verbose", "--verbose"), usage(train + "--speed 3", "--speed"), usage(train + "surplus",
                "surplus"),
                usage("init --out @new.safetensors", "--model or --init"),
                usage(train + "--lr x", "'x' is not a number"),
                usage(train + "--seed 1.5", "'1.5' is not a whole number"),
                usage(train + "--optimizer sgd", "expected one of adam, muon but was 'sgd'"),
                usage("predict --input @videos.npy", "--checkpoint"),
                usage("tune --out @new --budget 1", "--variants"), usage("tune --out @new --variants @tune-a.json",
                "--budget"), usage("tune --out @new --budget 0 --variants @tune-a.json", "--budget", "0"),
                usage("tune --out @new --budget NaN --variants @tune-a.json", "--budget", "NaN"),
                usage(tune + "@tune-a.json --videos 0", "--videos", "not 0"),
                usage(tune + "@tune-a.json --digits @nine", "--digits", "--data"),
                usage("tune --budget 1 --out @. --variants @tune-a.json", "--out", "--variants"),
                failure(tune + "@tune-a.json --videos 8", "8 videos", "--videos"),
                failure(tune + "@missing.json", "missing.json"), failure(tune + "@broken.json", "ends too early"),
                failure(tune + "@tune-object.json", "list"), failure(tune + "@tune-nameless.json", "name"),
                failure(tune + "@tune-no-model.json", "\"a\"", "model"), failure(tune + "@tune-twice.json", "\"a\""),
                failure(tune + "@tune-path.json", "../a"), failure(tune + "@tune-table.json", "table"),
                failure(tune + "@tune-unknown.json", "epochs", "lr"), failure(tune + "@tune-wrong.json", "--lr", "-1"),
                failure(tune + "@tune-no-number.json", "--ema", "much"),
                usage(train + "--epochs 0", "--epochs", "not 0"), usage(train + "--epochs -1", "--epochs"),
                usage(train + "--epochs many", "--epochs", "many"), usage(train + "--epochs 2147483648", "--epochs"),
                usage(train + "--epochs", "--epochs"), usage(train + "--steps 0", "--steps"),
                usage(train + "--steps -5", "--steps"), usage(train + "--steps 1.5", "--steps"),
                usage(train + "--batch-size 0", "--batch-size"), usage(train + "--batch-size -2147483648",
                "--batch-size"),
                usage(train + "--lr 0", "--lr"), usage(train + "--lr -0.1", "--lr"), usage(train + "--lr NaN", "--lr"),
                usage(train + "--lr 1e999", "--lr"), usage(train + "--lr fast", "--lr"),
                usage(train + "--validation-split 1", "--validation-split"),
                usage(train + "--validation-split -0.1", "--validation-split"),
                usage(train + "--validation-split NaN", "--validation-split"),
                usage(train + "--videos 0", "--videos"), usage(train + "--videos -3", "--videos"),
                usage(train + "--threads -1", "--threads"), usage(train + "--threads 100000", "--threads"),
                usage(train + "--precision fp64", "--precision", "fp64"), usage(train + "--device abacus", "--device"),
                usage(train + "--layout hwtx", "--layout", "hwtx"), failure(train + "--layout ntchw", "10x1x6"),
                failure(train + "--layout thw", "layout thw"),
                usage(train + "--scale 5..1", "--scale", "5..1"), usage(train + "--scale white", "--scale"),
                usage(train + "--loss hinge", "--loss"), usage(train + "--loss-frames some", "--loss-frames"),
                usage(train + "--warmup 1.1", "--warmup"), usage(train + "--warmup -1", "--warmup"),
                usage(train + "--clip-norm -1", "--clip-norm"), usage(train + "--clip-norm NaN", "--clip-norm"),
                usage(train + "--ema 1", "--ema"), usage(train + "--ema -0.1", "--ema"),
                usage(train + "--context 0", "--context"), usage(train + "--context 99", "--context", "not 99"),
                usage(train + "--scheduled-sampling 1.1", "--scheduled-sampling", "1.1"),
                usage(train + "--scheduled-sampling 0.5..0.4", "--scheduled-sampling", "0.5..0.4"),
                usage(train + "--scheduled-sampling 0..0.4..1", "--scheduled-sampling"),
                usage(train + "--scheduled-sampling half", "--scheduled-sampling", "half"),
                usage(train + "--seed x", "--seed"), usage(train + "--seed 9223372036854775808", "--seed"),
                usage(train + "--lr 1 --lr 2", "--lr"),
                failure(train + "--videos 9", "9 videos", "8"),
                failure(train + "--videos 1 --validation-split 0.9", "0.9", "train on"),
                failure(train + "--precision tf32", "tf32"),
                failure(train + "--conv vendor", "cuDNN and cuBLAS are for CUDA devices", "--conv kernels"),
                usage(predict + "--context 0", "--context"), usage(predict + "--frames 0", "--frames"),
                usage(predict + "--frames -1", "--frames"), usage(predict + "--context 2 --frames 2147483647",
                "--frames"),
                failure(predict + "--context 6", "context of 6", "5 frames"),
                usage(evaluate + "--context 0", "--context"), failure(evaluate + "--context 5", "context of 5"),
                failure(evaluate + "--context 2 --frames 4", "context of 2", "4 predicted"),
                usage(gifs + "--count 0", "--count"), usage(gifs + "--context 2 --count 9", "--count", "8"),
                usage(gifs + "--context 0", "--context"), usage(gifs + "--validation-split 7", "--validation-split"),
                failure(gifs + "--context 10", "context of 10"),
                usage(train + "--fresh", "--fresh", "file"), usage(train + "--digits @videos.npy", "--digits"),
                usage(evaluate + "--digits @videos.npy", "--digits"),
                usage(init + "--init @init.safetensors", "--model or --init"),
                usage("init --init @init.safetensors --height 9 --out @new.safetensors", "--height"),
                usage(init + "--height 0", "--height"), usage(init + "--channels -1", "--channels"),
                usage(init + "--width 99999999", "--width"),
                usage(generate + "--videos 0", "--videos"), usage(generate + "--validation-split 2",
                "--validation-split"),
                failure(generate + "--videos 1 --validation-split 0.5", "train on"),
                usage("data info", "file of videos"), usage("data info @videos.npy --data @videos.npy",
                "file of videos"),
                usage("data show @videos.npy --out @new.png --count 0", "--count"),
                usage("data show @videos.npy --out @new.png --first 8", "--first", "7"),
                usage("data show @videos.npy --out @new.png --first -1", "--first"),
                usage("bench --model @tiny.json --steps 0", "--steps"),
                usage("bench --model @tiny.json --batch-size 0", "--batch-size"),
                usage("bench --model @tiny.json --peer nobody", "nobody", "pytorch"),
                failure("bench --model @tiny.json --peer pytorch", "tools/framecast"));
    }

    static Stream<Arguments> badFiles() {
        // A context of all three frames: frames that are not needed are not read.
        String predict = "predict --context 3 --frames 1 --checkpoint @init.safetensors --output @new.npy --input ";
        String train = "train --model @tiny.json --epochs 1 --validation-split 0 --batch-size 2 --out @new --data ";
        return Stream.of(
                failure(predict + "@nothing.npy", "nothing.npy", "no such file"), failure(predict + "@directory",
                "directory"),
                failure(predict + "@file", "file"), failure(predict + "@cut.npy", "cut.npy", "truncated"),
                failure(predict + "@cut-header.npy", "cut-header.npy"), failure(predict + "@short.npy", "short.npy"),
                failure(predict + "@vast.npy", "vast.npy"), failure(predict + "@rank3.npy", "(6, 6, 10)"),
                failure(predict + "@complex.npy", "<c8", "numpy.abs"),
                failure(predict + "@object.npy", "Python objects", "numpy.stack"),
                failure(predict + "@long.npy", "int64", "--scale"),
                failure(predict + "@none.npy", "no videos"),
                failure(predict + "@one-frame.npy", "one frame"), failure(predict + "@nan.npy", "NaN",
                "video 1, frame 2"),
                failure(predict + "@infinite.npy", "Infinity", "video 1, frame 2"),
                failure(predict + "@pixels.npy", "255.0", "video 1, frame 2", "[0, 1]"),
                failure(predict + "@pixels.npy", "--scale 0..255"),
                failure(predict + "@pixels.npy --scale 100", "[0, 100]"),
                failure(predict + "@negative.npy", "-0.2", "[0, 1]", "--scale"),
                failure(predict + "@large.npy", "12x10x1", "6x10x1"), failure(predict + "@colour.npy", "6x10x3",
                "6x10x1"),
                failure("evaluate --context 2 --json @new.json --checkpoint @init.safetensors --data @nan.npy", "NaN"),
                failure("evaluate --context 2 --checkpoint @init.safetensors --data generated --videos 2", "64x64x1"),
                failure("gifs --context 2 --count 2 --out @new --checkpoint @init.safetensors --data @colour.npy",
                "6x10x3"),
                failure("data info @nan.npy", "NaN"), failure("data show --out @new.png @pixels.npy", "255.0"),
                failure(train + "@nothing.npy", "no such file"), failure(train + "@cut.npy", "truncated"),
                failure("train --init @init.safetensors --out @new --data @large.npy", "12x10x1", "6x10x1"),
                failure("train --init @init.safetensors --model keras --out @new --data @videos.npy", "--model keras"),
                failure("train --init @cut.safetensors --out @new --data @videos.npy", "cut.safetensors", "cut short"),
                failure("train --model @other.json --out @new --data @videos.npy", "6x10x1", "6x10x2"),
                failure("train --model @broken.json --out @new --data @videos.npy", "broken.json", "JSON"),
                failure("train --model @odd.json --out @new --data @videos.npy", "odd.json", "Dropout"),
                failure("train --model @nothing --out @new --data @videos.npy", "nothing",
                        "keras, small, motion, motion-large"),
                failure("train --model small --out @new --data @videos.npy", "6x10x1", "block_size",
                "the model keras takes such frames, and small takes them cropped to 4x8 or padded to 8x12"),
                failure("train --model @videos.npy --out @new --data @videos.npy", "UTF-8"),
                failure("init --model @directory --out @new.safetensors", "directory"),
                failure("init --init @nothing --out @new.safetensors", "no checkpoint"),
                failure("predict --checkpoint moving-pictures --input @videos.npy --output @new.npy",
                        "moving-pictures", "moving-mnist"),
                failure("evaluate --checkpoint moving-mnst --data generated", "moving-mnst", "moving-mnist"),
                failure("gifs --checkpoint moving-mnist --compare nothing --data generated --out @new", "moving-mnist"),
                failure("gifs --checkpoint moving-mnist --compare @init.safetensors --data generated --out @new",
                        "64x64x1", "6x10x1"),
                failure("train --init moving-mnst --data generated --out @new", "moving-mnst", "moving-mnist"),
                failure("evaluate --checkpoint ./moving-mnist --data generated", "no checkpoint ./moving-mnist"),
                failure("predict --context 2 --checkpoint moving-mnist --input @videos.npy --output @new.npy", "6x10x1",
                        "64x64x1"),
                failure("train --model small --data generated --out @new --digits @nothing", "no such file"),
                failure("train --model small --data generated --out @new --digits @directory", "directory"),
                failure("data generate --out @new.npy --digits @file", "IDX images"),
                failure("data generate --out @new.npy --digits @videos.npy", "IDX images"),
                failure("data generate --out @new.npy --digits @labels", "2049", "2051"),
                failure("data generate --out @new.npy --digits @nine", "9 digits", "10"),
                failure("data generate --out @new.npy --digits @cut.gz", "cut.gz is truncated"),
                failure("evaluate --checkpoint moving-mnist --digits @damaged.gz", "damaged.gz is damaged"),
                failure("predict --checkpoint @nothing --input @videos.npy --output @new.npy", "no checkpoint"),
                failure("predict --checkpoint @videos.npy --input @videos.npy --output @new.npy", "safetensors"),
                failure("predict --checkpoint @cut.safetensors --input @videos.npy --output @new.npy", "cut short"),
                failure("predict --checkpoint @directory --input @videos.npy --output @new.npy", "directory"),
                failure("bench --model @other.json --steps 1", "6x10x2"));
    }

    static Stream<Arguments> outputsInTheWay() {
        String train = "train --model @tiny.json --data @videos.npy --steps 1 --out ";
        String predict = "predict --context 2 --frames 1 --checkpoint @init.safetensors --input @videos.npy --output ";
        return Stream.of(
                failure(train + "@file", "Cannot write", "in the way"), failure(train + "@file/run", "Cannot write"),
                failure(predict + "@directory", "Cannot write", "directory"), failure(predict + "@file/y.npy",
                "Cannot write"),
                failure("init --model @tiny.json --out @directory", "Cannot write"),
                failure("init --model @tiny.json --out @file/x", "Cannot write"),
                failure("data generate --videos 2 --validation-split 0 --out @directory", "Cannot write"),
                failure("data generate --videos 2 --validation-split 0 --out @file/x", "Cannot write"),
                failure("data generate --videos 2 --validation-split 0 --out /proc/new.npy",
                        "it would have 163 kB, and the disk has 0 bytes left"),
                failure("data show @videos.npy --out @directory", "Cannot write"),
                failure("gifs --context 2 --count 1 --checkpoint @init.safetensors --data @videos.npy --out @file",
                        "Cannot write"),
                failure("evaluate --context 2 --checkpoint @init.safetensors --data @videos.npy --json @directory",
                        "Cannot write"),
                failure("bench --steps 1 --batch-size 1 --model @tiny.json --json @file/x", "Cannot write"));
    }

    /** Nothing that the commands read is there: outputs are checked first. */
    static Stream<Arguments> outputsThatCannotBeMade() {
        String inputs = " --checkpoint @nothing --data @nothing.npy ";
        String predict = "predict --checkpoint @nothing --input @nothing.npy --output ";
        String why = ": nothing can be made in /proc.";
        return Stream.concat(Stream.of("evaluate" + inputs + "--json /proc/new",
                "bench --model @nothing --json /proc/new",
                "init --model @nothing --out /proc/new", "init --init @nothing --out /proc/new",
                "import @nothing --out /proc/new", "export @nothing --out /proc/new.keras", predict + "/proc/new",
                predict + "/proc/new.mp4", predict + "/proc/new/", "gifs" + inputs + "--out /proc/new",
                "tune --variants @tune-a.json --budget 1 --data @nothing.npy --out /proc/new",
                "train --model @nothing --data @nothing.npy --out /proc/new", "demo --out /proc/new",
                "check --out /proc/new", "data import @nothing --out /proc/new", "data download --out /proc/new",
                "data show @nothing.npy --out /proc/new").map(command -> failure(command, "Cannot write "
                        + command.replaceFirst(".* ", "").replaceFirst("/$", "") + why)),
                Stream.of(failure("evaluate" + inputs + "--json @directory", "directory: it is there already"),
                        failure(predict + "@file/y.gif", "Cannot write", "in the way")));
    }

    static Stream<Arguments> namesOfOtherFormats() {
        String predict = "predict --checkpoint @init.safetensors --input @videos.npy --output ";
        String list = "forecasts are written as .npy, .mp4, .webm or .gif, or as pictures to a directory, DIR/";
        return Stream.concat(Stream.of("xyz", "mov", "png", "npz", "npy.gz", "npy2").map(suffix ->
                        usage(predict + "@new." + suffix, "--output " + directory + "/new." + suffix, list)),
                Stream.of(usage("data show @videos.npy --out @new.jpg",
                                "--out " + directory + "/new.jpg: it is a .png"),
                        usage("data show @videos.npy --out @new.npy", ".png"),
                        usage("data generate --out @new.xyz", "--out " + directory + "/new.xyz: it is a .npy"),
                        usage("data import @directory --out @new.xyz", ".npy")));
    }

    static Stream<Arguments> outputsThatAreInputs() {
        String predict = "predict --context 2 --frames 1 --checkpoint @init.safetensors --input @videos.npy --output ";
        String evaluate = "evaluate --context 2 --checkpoint @init.safetensors --data @videos.npy --json ";
        String gifs = "gifs --context 2 --count 1 --out @run/gifs --checkpoint ";
        String train = "train --steps 1 --overwrite --out @run ";
        return Stream.of(
                usage(predict + "@videos.npy", "--output " + directory + "/videos.npy would replace --input "
                        + directory + "/videos.npy, which is read; choose another --output."),
                usage(predict + "@symbolic", "--input"), usage(predict + "@hard", "--input"),
                usage(predict + "@run/../videos.npy", "--input"), usage(predict + "@init.safetensors", "--checkpoint"),
                usage(evaluate + "@hard", "--json", "--data"), usage(evaluate + "@init.safetensors", "--checkpoint"),
                usage("data show @videos.npy --out @symbolic", "--out", "FILE"),
                usage("data show --data @videos.npy --out @videos.npy", "--out", "--data"),
                failure("data show /dev/null --out /dev/null", "/dev/null"),
                usage("init --model @tiny.json --out @tiny.json", "--out", "--model"),
                usage("bench --steps 1 --model @tiny.json --json @tiny.json", "--json", "--model"),
                usage(gifs + "@init.safetensors --data @run/gifs/video-1.png", "--out", "--data"),
                usage(gifs + "@run/gifs/video-1.png --data @videos.npy", "--out", "--checkpoint"),
                usage(train + "--data @videos.npy --init @run/checkpoints/best.safetensors", "--out", "--init"),
                usage(train + "--model @tiny.json --data @run/gifs/video-1.png", "--out", "--data"));
    }

    static Stream<Arguments> moreThanThereIsRoomFor() {
        return Stream.of(
                failure("bench --model @tiny.json --steps 1 --batch-size 50000000", "out of memory", "--batch-size"),
                failure("bench --model @tiny.json --steps 1 --batch-size 2147483647", "--batch-size"),
                failure("train --model small --data generated --videos 100000 --batch-size 100000 --out @new",
                        "batch size"),
                failure("train --model keras --data generated --videos 25000 --batch-size 25000 --out @new",
                        "out of memory", "--batch-size"));
    }

    @ParameterizedTest
    @MethodSource({"optionsOutOfRange", "badFiles", "outputsInTheWay", "outputsThatCannotBeMade", "namesOfOtherFormats",
        "outputsThatAreInputs", "moreThanThereIsRoomFor"})
    void oneSentenceSaysWhatWasWrongAndNothingIsLeft(int status, String command, List<String> says) {
        Map<String, String> before = work.contents();
        Cli.run(command.replace("@", directory + "/")).refused(status, says.toArray(String[]::new));
        assertEquals(before, work.contents());
    }

    /** A name with a slash at its end is that of a directory, whether it exists or not. */
    @Test
    void namesThatAreEmptyOrOfDirectoriesNameNoFiles() {
        Map<String, String> before = work.contents();
        String checkpoint = " --checkpoint " + work.file("init.safetensors");
        String data = " --data " + work.data();
        String model = " --model " + work.model();
        Map<String, String> commands = Map.of("predict" + checkpoint + " --input " + work.data(), "--output",
                "predict" + checkpoint + " --output " + work.file("y.npy"), "--input",
                "predict --input " + work.data() + " --output " + work.file("y.npy"), "--checkpoint",
                "evaluate --context 2" + checkpoint + data, "--json", "init" + model, "--out",
                "data generate --videos 2", "--out", "data info", "--data", "train --steps 1" + model, "--data",
                "train --steps 1" + data, "--init", "bench --steps 1" + model, "--json");
        commands.forEach((command, option) -> {
            Cli.run(command, option, "").refused(2, option, "is empty; name a file");
            // Forecasts may be written to a directory.
            for (String end : option.equals("--output") ? List.of("x/.", "x/..") : List.of("x/", "x/.", "x/..")) {
                String name = work.file("new") + end;
                Cli.run(command, option, name).refused(2, option, name + " names a directory; name a file");
            }
        });
        for (String command : List.of("train --steps 1" + data + model,
                "gifs --context 2 --count 1" + checkpoint + data,
                "demo")) {
            Cli.run(command, "--out", "").refused(2, "--out", "is empty; name a directory");
        }
        assertEquals(before, work.contents());
        Cli.run("gifs --context 2 --count 1" + checkpoint + data, "--out", work.file("gifs") + "/").done();
        assertTrue(Files.isDirectory(work.file("gifs")));
    }

    /**
     * Control characters and line breaks in file names, arguments and contents of files are not printed as they are.
     */
    @Test
    void namesAndContentsShowAsTheyAre() throws IOException {
        String evil = "a\nframecast: done\u001b[31m\u202e.npy";
        String shown = "a\\nframecast: done\\u001b[31m\\u202e.npy";
        Path file = work.file(evil);
        Cli.run("data info", file).refused(1, shown, "no such file");
        Files.copy(work.data(), file);
        Cli.Result info = Cli.run("data info", file).done();
        assertTrue(info.out().startsWith(work.file(shown) + ": ") && info.out().lines().count() == 3, info::toString);
        Cli.run("predict --input", file, "--checkpoint", work.file("nothing"), "--output", work.file("y.npy"))
                .refused(1, "nothing");
        Cli.run("data info --layout", evil, file).refused(2, shown);
        Cli.run("train --epochs", evil).refused(2, shown);
        Cli.run("", evil).refused(2, shown);
        Files.delete(file);
        Path json = Workplace.write(work.file("evil.json"), Files.readString(work.model()).replace("BatchNormalization",
                "x".repeat(150) + "\\nframecast: done\\u001b[2J"));
        Cli.run("init --out", work.file("new.safetensors"), "--model", json).refused(1,
                "x\\nframecast: done\\u001b[2J\"; choose from ConvLSTM2D");
    }

    @Test
    void whatAFileHoldsIsQuotedInPart() throws IOException {
        String model = Files.readString(work.model());
        String much = "x".repeat(500_000);
        for (String wrong : List.of(model.replace("BatchNormalization", much), model.replace("filters", much),
                model.replace("tanh", much), model.replace("same", much), model.replace("\"filters\": 3",
                "\"filters\": \"" + much + "\""), model.replace("\"filters\": 3", "\"filters\": " + "9".repeat(900)),
                model.replace("\"kernel_size\": 3", "\"kernel_size\": [" + "1,".repeat(100_000) + "1]"),
                much, "{\"" + much + "\": 1, \"" + much + "\": 1}")) {
            Path json = Workplace.write(work.file("much.json"), wrong);
            Cli.Result result = Cli.run("init --out", work.file("new.safetensors"), "--model", json).refused(1,
                    "much.json");
            assertTrue(result.err().length() < 700 + json.toString().length(), result::toString);
        }
    }

    /** For an impossible model, nothing is allocated or computed. */
    @Test
    void aModelHasBoundsThatNobodyMeets() throws IOException {
        String start = "{\"input\": {\"height\": 8, \"width\": 8, \"channels\": 1}, \"layers\": [";
        String norm = "{\"type\": \"BatchNormalization\"},";
        String end = "{\"type\": \"Conv3D\", \"filters\": 1, \"kernel_size\": 3}]}";
        String large = "{\"type\": \"Conv3D\", \"filters\": 4096, \"kernel_size\": [1, 5, 5]},";
        Map<String, String> wrong = Map.of(start + norm.repeat(1000) + end, "1001 layers is too large; at most 1000",
                start + norm.repeat(1_000_000) + end, "more than a model needs",
                start + large.repeat(3) + end, "839086081 parameters is too large",
                start + large.replace("5, 5", "16, 16").repeat(2) + end, "The parameter layers.1.kernel of shape");
        for (Map.Entry<String, String> one : wrong.entrySet()) {
            Path json = Workplace.write(work.file("bounds.json"), one.getKey());
            long begin = System.nanoTime();
            Cli.run("init --out", work.file("new.safetensors"), "--model", json).refused(1, one.getValue());
            assertTrue(System.nanoTime() - begin < 5e9, "it took " + (System.nanoTime() - begin) / 1e9 + " s");
        }
        Cli.run("init --out", work.file("deep.safetensors"), "--model",
                Workplace.write(work.file("bounds.json"), start + norm.repeat(999) + end)).done();
    }

    @Test
    void whatIsNoFaultOfTheProgramIsASentenceToo() {
        Map<Throwable, String> sentences = Map.of(
                new OutOfMemoryError("Java heap space"), "The Java heap of ",
                new OutOfMemoryError("unable to create native thread: possibly out of memory"), "no further thread",
                new StackOverflowError(), "nested too deeply",
                new NoClassDefFoundError("io/framecast/Late"), "io/framecast/Late",
                new InvalidPathException("a\u0000b", "Nul character not allowed"), "named \"a\\u0000b\"",
                new UncheckedIOException(new IOException("Input/output error")), "Input/output error",
                new FramecastException("As it is."), "As it is.");
        sentences.forEach((failure, says) -> {
            String sentence = Main.sentence(failure);
            assertTrue(sentence.contains(says) && sentence.endsWith(".") && !sentence.contains("inside Framecast"),
                    sentence);
        });
        assertTrue(Main.sentence(new IllegalStateException("x")).startsWith("An error inside Framecast: "));
    }

    @Test
    void aBadValueAnywhereInTheFileStopsARunBeforeItBegins() {
        Path run = work.file("bad-run");
        Path data = work.file("late-nan.npy");
        float[] values = new float[5 * 3 * 60];
        values[values.length - 1] = Float.NaN;
        Npy.write(data, "(5, 3, 6, 10)", values);
        String command = "train --no-shuffle --batch-size 2 --model " + work.model() + " --data " + data + " --out ";
        Map<String, String> before = work.contents();
        Cli.run(command + run).refused(1, "NaN", "video 4, frame 2");
        assertEquals(before, work.contents());
        // Invalid values that are not used are no error.
        assertEquals(0, Cli.run(command + run + " --videos 4 --epochs 1").status());
    }

    @Test
    void theStackTraceIsShownWhenAskedFor() {
        Cli.Result result = Cli.run("data info --stacktrace", work.file("nothing.npy"));
        assertEquals(1, result.status());
        assertTrue(result.err().startsWith("framecast: Cannot read") && result.err().contains("\tat io.framecast."),
                result::toString);
        assertTrue(Cli.run("--stacktrace data info", work.file("nothing.npy")).err().contains("\tat "));
    }

    @Test
    void helpIsThereForEveryCommand() {
        for (String command : List.of("", "demo ", "train ", "init ", "predict ", "gifs ", "evaluate ", "data ",
                "data generate ",
                "data download ", "data info ", "data show ", "bench ", "devices ")) {
            Cli.Result help = Cli.run(command + "--help").done();
            assertTrue(help.out().startsWith("Usage: framecast " + command.strip()), help::toString);
        }
        assertTrue(Cli.run("--version").done().out().startsWith("framecast 0.1.0"));
    }
}
