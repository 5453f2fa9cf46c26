package io.framecast.tools;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.framecast.nn.ModelJson;
import io.framecast.train.Checkpoint;
import io.framecast.train.MovingSquares;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** framecast import and export, and models of Keras in the place of checkpoints. */
class KerasCommandsTest {

    private static final Path MODELS = Path.of("src/test/resources/keras");
    private static final Path EXAMPLE = MODELS.resolve("example.keras");

    @TempDir
    static Path directory;
    private static Path videos;

    @BeforeAll
    static void prepare() {
        videos = Npy.write(directory.resolve("videos.npy"), new MovingSquares(3, 5, 6, 7, 2));
    }

    private static Path file(String name) {
        return directory.resolve(name);
    }

    private static void predict(Path checkpoint, Path output) {
        Cli.run("predict --context 3 --frames 2 --input", videos, "--checkpoint", checkpoint, "--output", output)
                .done();
    }

    @Test
    void importedExportedAndDirectModelsForecastTheSame() throws IOException {
        Cli.Result imported = Cli.run("import", EXAMPLE, "--out", file("a.safetensors")).done();
        assertTrue(imported.out().contains(": 6 layers, ") && imported.out().contains("frames of 6x7x2"),
                imported::toString);
        predict(file("a.safetensors"), file("a.npy"));
        byte[] expected = Files.readAllBytes(file("a.npy"));
        predict(EXAMPLE, file("b.npy"));
        assertArrayEquals(expected, Files.readAllBytes(file("b.npy")));
        for (String name : new String[] {"c.keras", "c.h5"}) {
            Cli.run("export", file("a.safetensors"), "--out", file(name)).done();
            predict(file(name), file("c.npy"));
            assertArrayEquals(expected, Files.readAllBytes(file("c.npy")), name);
        }
        Cli.run("export", EXAMPLE, "--out", file("d.weights.h5")).done();
        Path model = Files.writeString(file("model.json"),
                ModelJson.write(Checkpoint.read(file("a.safetensors")).model()));
        Cli.run("import", file("d.weights.h5"), "--model", model, "--out", file("d.safetensors")).done();
        assertArrayEquals(Files.readAllBytes(file("a.safetensors")), Files.readAllBytes(file("d.safetensors")));
    }

    @Test
    void trainingEvaluationAndGifsBeginWithAModelOfKeras() {
        Cli.run("evaluate --context 3 --frames 2 --data", videos, "--checkpoint", EXAMPLE).done();
        Cli.run("gifs --context 3 --count 1 --data", videos, "--checkpoint", EXAMPLE, "--out", file("gifs"))
                .done();
        Cli.run("train --steps 1 --videos 2 --batch-size 2 --validation-split 0 --loss mean_squared_error --data",
                videos, "--init", EXAMPLE, "--out", file("run")).done();
    }

    @Test
    void whatHasNoEffectIsSaid() {
        Cli.Result said = Cli.run("import", MODELS.resolve("skip.keras"), "--out", file("skip.safetensors"));
        assertEquals(0, said.status(), said::toString);
        assertTrue(said.err().contains("layer \"dropout\" (Dropout)"), said::toString);
    }

    @Test
    void wrongInputIsASentence() throws IOException {
        Path out = Files.writeString(file("kept.safetensors"), "kept");
        Cli.run("import", MODELS.resolve("open-size.keras"), "--out", out)
                .refused(1, "leaves the size of its frames open", "framecast import --height, --width");
        Cli.run("import", MODELS.resolve("example.weights.h5"), "--out", out).refused(1, "framecast import --model");
        Cli.run("import", MODELS.resolve("hostile/external-link.h5"), "--out", out).refused(1, "not followed");
        Cli.run("import", videos, "--out", out).refused(1, "is no model of Keras");
        Cli.run("import", file("none.keras"), "--out", out).refused(1, "There is no file");
        Cli.run("import", EXAMPLE, "--out", out, "--model", "small").refused(1, "no weights of the layer");
        Cli.run("import", EXAMPLE, "--out", out, "--height", 8).refused(2, "both --height and --width");
        Cli.run("export moving-mnist --out", file("x.keras")).refused(1, "Keras has no such layer");
        Cli.run("export", EXAMPLE, "--out", file("x.onnx")).refused(2, "--out", ".weights.h5");
        Path model = Files.copy(EXAMPLE, file("model.keras"));
        Cli.run("import", model, "--out", model).refused(2, "would replace");
        Cli.run("export", model, "--out", model).refused(2, "would replace");
        assertEquals("kept", Files.readString(out));
        assertTrue(Files.notExists(file("x.keras")));
    }

    @Test
    void otherSizesOfFrames() {
        Cli.run("import --height 9 --width 8", MODELS.resolve("open-size.keras"), "--out", file("size.safetensors"))
                .done();
        assertEquals(9, Checkpoint.read(file("size.safetensors")).model().input().height());
    }
}
