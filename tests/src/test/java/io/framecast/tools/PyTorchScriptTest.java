package io.framecast.tools;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.framecast.tools.check.golden.Golden;
import io.framecast.tools.check.golden.GoldenRecipe;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * tools/peer/pytorch_gpu.py, on the CPU. Most of it needs a Python with PyTorch: {@code python3}, or what the
 * environment variable FRAMECAST_PYTHON names.
 */
class PyTorchScriptTest {

    private static final String PYTHON = System.getenv().getOrDefault("FRAMECAST_PYTHON", "python3");
    private static final String SCRIPT = Path.of("../tools/peer/pytorch_gpu.py").toString();

    private static boolean hasPyTorch;

    @TempDir
    Path directory;

    private record Said(int status, String out, String err) {

        void refused(String... says) {
            assertEquals(1, status, this::toString);
            assertTrue(err.startsWith("pytorch_gpu.py: ") && err.lines().count() == 1, this::toString);
            for (String part : says) {
                assertTrue(err.contains(part), () -> "\"" + part + "\" expected of " + this);
            }
        }
    }

    @BeforeAll
    static void findPython(@TempDir Path scratch) throws Exception {
        boolean hasPython;
        try {
            hasPython = python(scratch, "-c", "import sys; sys.exit(sys.version_info < (3, 8))").status == 0;
        } catch (IOException e) {
            hasPython = false;
        }
        assumeTrue(hasPython, PYTHON + " is no Python 3.8 or later; FRAMECAST_PYTHON names another");
        hasPyTorch = python(scratch, "-c", "import torch").status == 0;
    }

    private static void assumePyTorch() {
        assumeTrue(hasPyTorch, PYTHON + " has no PyTorch; FRAMECAST_PYTHON names another Python");
    }

    private static Said python(Path scratch, Object... arguments) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(PYTHON));
        for (Object argument : arguments) {
            command.add(argument.toString());
        }
        Path out = scratch.resolve("out");
        Path err = scratch.resolve("err");
        ProcessBuilder builder = new ProcessBuilder(command).redirectOutput(out.toFile()).redirectError(err.toFile());
        builder.environment().put("OMP_NUM_THREADS", "1");
        int status = builder.start().waitFor();
        return new Said(status, Files.readString(out, StandardCharsets.UTF_8),
                Files.readString(err, StandardCharsets.UTF_8));
    }

    private Said compare(Path checkpoint, Path videos, Object... options) throws Exception {
        List<Object> arguments = new ArrayList<>(List.of(SCRIPT, "--device", "cpu", "--checkpoint", checkpoint,
                "--videos", videos, "--out", directory.resolve("result.json"), "--seconds", 0.1, "--setup-seconds",
                600));
        arguments.addAll(List.of(options));
        return python(directory, arguments.toArray());
    }

    private JsonNode result() throws IOException {
        return new ObjectMapper().readTree(directory.resolve("result.json").toFile());
    }

    /** The videos of a golden case: its inputs and the last of its targets, in the order of axes that files have. */
    private Path videos(Golden.Case c) {
        int frames = c.number("frames");
        int count = c.number("videos");
        float[] inputs = c.values("x");
        float[] targets = c.values("targets");
        int size = inputs.length / (frames * count);
        float[] videos = new float[count * (frames + 1) * size];
        for (int n = 0; n < count; n++) {
            for (int t = 0; t <= frames; t++) {
                System.arraycopy(t < frames ? inputs : targets, (Math.min(t, frames - 1) * count + n) * size, videos,
                        (n * (frames + 1) + t) * size, size);
            }
        }
        int[] shape = c.shape("x");
        return Npy.write(directory.resolve("videos.npy"), "(%d, %d, %d, %d, %d)".formatted(count, frames + 1, shape[2],
                shape[3], shape[4]), videos);
    }

    private Path checkpoint(Golden.Case c) {
        Path file = directory.resolve("checkpoint.safetensors");
        GoldenRecipe.start(c).write(file);
        return file;
    }

    /** With the tolerance that our own losses have. Batches include one that is smaller. */
    @ParameterizedTest
    @ValueSource(strings = {"keras", "keras-16-filters"})
    void twentyTrainingLossesAgree(String network) throws Exception {
        assumePyTorch();
        Golden.Case c = Golden.load("networks").named(network);
        double[] expected = c.numbers("losses");
        assertTrue(c.number("videos") % c.number("batch") != 0);
        Said said = compare(checkpoint(c), videos(c), "--batch", c.number("batch"), "--steps", expected.length,
                "--variants", "graph-bf16,eager-fp32");
        assertEquals(0, said.status, said::toString);
        assertEquals("", said.err);
        JsonNode result = result();
        assertTrue(result.get("gpu").isNull());
        assertTrue(result.get("torch").textValue().matches("\\d+\\.\\d+.*"));
        JsonNode skipped = result.get("variants").get(0);
        assertEquals("graph-bf16", skipped.get("name").textValue());
        assertEquals("It needs a GPU.", skipped.get("skipped").textValue());
        JsonNode eager = result.get("variants").get(1);
        assertEquals("eager-fp32", eager.get("name").textValue());
        assertTrue(eager.get("skipped").isNull() && eager.get("error").isNull(), eager::toString);
        assertEquals(expected.length, eager.get("losses").size());
        for (int step = 0; step < expected.length; step++) {
            assertEquals(expected[step], eager.get("losses").get(step).doubleValue(), 2e-5 * expected[step],
                    "loss of step " + step);
        }
        JsonNode times = eager.get("step_ms");
        assertTrue(times.get("min").doubleValue() > 0, times::toString);
        assertTrue(times.get("median").doubleValue() >= times.get("min").doubleValue(), times::toString);
        assertTrue(times.get("steps").intValue() >= 3, times::toString);
        assertTrue(eager.get("memory_mb").doubleValue() > 0, eager::toString);
    }

    @Test
    void aVariantThatTakesTooLongIsEndedAndRecorded() throws Exception {
        assumePyTorch();
        Golden.Case c = Golden.load("networks").named("keras");
        Said said = compare(checkpoint(c), videos(c), "--batch", 2, "--steps", 1_000_000_000, "--variants",
                "eager-fp32", "--setup-seconds", 10);
        assertEquals(0, said.status, said::toString);
        JsonNode variant = result().get("variants").get(0);
        assertEquals("It was ended after 10 seconds.", variant.get("error").textValue());
        assertTrue(variant.get("losses").isNull() && variant.get("step_ms").isNull(), variant::toString);
    }

    @Test
    void whatCannotBeComparedIsASentence() throws Exception {
        assumePyTorch();
        Golden.Case c = Golden.load("networks").named("patches");
        Path videos = videos(c);
        Path checkpoint = checkpoint(c);
        compare(checkpoint, videos, "--batch", 2).refused("a layer of type SpaceToDepth");
        compare(videos, videos).refused("videos.npy is not a checkpoint of Framecast");
        compare(checkpoint, checkpoint).refused("checkpoint.safetensors is not an .npy file");
        compare(directory.resolve("none"), videos).refused("Cannot read ", "none: No such file");
        assertFalse(Files.exists(directory.resolve("result.json")));
    }

    /** Without the packages that are installed, thus without PyTorch. */
    @Test
    void withoutPyTorchItSaysSo() throws Exception {
        python(directory, "-S", SCRIPT).refused("PyTorch is not installed for ");
    }
}
