package io.framecast.tools;

import io.framecast.train.MovingSquares;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/** A directory with a small model and small videos, for tests of commands. */
public record Workplace(Path directory, Path model, Path data) {

    static final MovingSquares VIDEOS = new MovingSquares(8, 5, 6, 10, 1);

    private static final String MODEL = """
            {"input": {"height": 6, "width": 10, "channels": 1}, "layers": [
              {"type": "ConvLSTM2D", "filters": 3, "kernel_size": 3, "padding": "same", "activation": "tanh"},
              {"type": "BatchNormalization"},
              {"type": "Conv3D", "filters": 1, "kernel_size": 3, "activation": "sigmoid"}]}
            """;

    public static Workplace in(Path directory) {
        return new Workplace(directory, write(directory.resolve("tiny.json"), MODEL),
                Npy.write(directory.resolve("videos.npy"), VIDEOS));
    }

    static Path write(Path file, String text) {
        try {
            return Files.writeString(file, text);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public Path file(String name) {
        return directory.resolve(name);
    }

    /** A checkpoint of the model. */
    Path init() {
        Path file = file("init.safetensors");
        Cli.run("init --seed 5 --model", model, "--out", file).done();
        return file;
    }

    /** Everything under the directory: files with their sizes and times, and directories. */
    Map<String, String> contents() {
        Map<String, String> contents = new TreeMap<>();
        try (Stream<Path> walk = Files.walk(directory)) {
            for (Path path : (Iterable<Path>) walk::iterator) {
                contents.put(path.toString(), Files.isDirectory(path) ? "directory"
                        : Files.size(path) + " bytes of " + Files.getLastModifiedTime(path));
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return contents;
    }
}
