package io.framecast.keras;

import static io.framecast.golden.Closeness.assertClose;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.framecast.FramecastException;
import io.framecast.nn.HostTensor;
import io.framecast.nn.ModelJson;
import io.framecast.train.Checkpoint;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What is written is read again, and Keras 3 loads it. The latter needs a Python with Keras 3, h5py and PyTorch:
 * {@code python3}, or what the environment variable FRAMECAST_PYTHON names.
 */
class KerasWriterTest {

    private static final String PYTHON = System.getenv().getOrDefault("FRAMECAST_PYTHON", "python3");

    @TempDir
    Path directory;

    /** Each model in the format of its archive; but for those of Keras 2, whose hard sigmoid Keras 3 has not. */
    static Stream<KerasCase> cases() {
        return KerasCase.all().stream().filter(c -> !c.name().startsWith("keras2"));
    }

    private static Checkpoint imported(KerasCase c) {
        return KerasReaderTest.read(c.files().get(0), c).checkpoint();
    }

    @ParameterizedTest
    @MethodSource("cases")
    void readsWhatItWrites(KerasCase c) throws IOException {
        Checkpoint checkpoint = imported(c);
        for (String name : List.of("model.keras", "model.h5")) {
            Path file = directory.resolve(name);
            KerasWriter.write(checkpoint, file);
            Checkpoint again = KerasReader.read(file, null).checkpoint();
            // Names are given to all layers; what the layers are and how they are connected stays.
            assertEquals(checkpoint.model().layers(), again.model().layers());
            assertSame(checkpoint, again);
            byte[] bytes = Files.readAllBytes(file);
            KerasWriter.write(checkpoint, file);
            assertArrayEquals(bytes, Files.readAllBytes(file), name + " differs when it is written again");
        }
        Path weights = directory.resolve("model.weights.h5");
        KerasWriter.write(checkpoint, weights);
        if (!checkpoint.parameters().isEmpty()) {
            assertSame(checkpoint, KerasReader.readWeights(weights, checkpoint.model()).checkpoint());
        }
    }

    private static void assertSame(Checkpoint expected, Checkpoint actual) {
        assertEquals(expected.parameters().keySet(), actual.parameters().keySet());
        expected.parameters().forEach((name, tensor) -> {
            assertArrayEquals(tensor.shape(), actual.parameters().get(name).shape(), name);
            assertArrayEquals(tensor.values(), actual.parameters().get(name).values(), name);
        });
    }

    @Test
    void whatKerasHasNotIsNamed() {
        assertRefused("""
                {"type": "SpaceToDepth", "block_size": 2}""", "Layer 0 (SpaceToDepth) cannot be exported");
        assertRefused("""
                {"type": "ConvLSTM2D", "filters": 1, "kernel_size": 3, "padding": "same",
                 "recurrent_activation": "hard_sigmoid_keras2"}""", "hard_sigmoid_keras2");
    }

    private void assertRefused(String layer, String says) {
        Checkpoint checkpoint = Checkpoint.initial(ModelJson.parse("""
                {"input": {"height": 4, "width": 4, "channels": 1}, "layers": [%s]}""".formatted(layer), "test"), 1);
        Path file = directory.resolve("model.keras");
        FramecastException e = assertThrows(FramecastException.class, () -> KerasWriter.write(checkpoint, file));
        assertTrue(e.getMessage().contains(says), e::getMessage);
        assertTrue(Files.notExists(file));
    }

    /** All in one process: Keras takes seconds to start. */
    @Test
    void kerasLoadsItWithTheSameOutputs() throws Exception {
        assumeTrue(hasKeras(), PYTHON + " has no Keras 3 with h5py and PyTorch; FRAMECAST_PYTHON names another Python");
        List<Map<String, String>> jobs = new ArrayList<>();
        Map<Path, KerasCase> expected = new LinkedHashMap<>();
        for (KerasCase c : cases().toList()) {
            Path own = Files.createDirectory(directory.resolve(c.name()));
            Checkpoint checkpoint = imported(c);
            Path x = npy(own.resolve("x.npy"), c.x());
            for (String name : List.of("model.keras", "model.h5", "model.weights.h5")) {
                KerasWriter.write(checkpoint, own.resolve(name));
                boolean weights = name.endsWith(".weights.h5");
                if (!weights || !checkpoint.parameters().isEmpty()) {
                    Path y = own.resolve(name + ".npy");
                    Map<String, String> job = new HashMap<>(Map.of("x", x.toString(), "y", y.toString(), "model",
                            own.resolve(weights ? "model.keras" : name).toString()));
                    job.put("weights", weights ? own.resolve(name).toString() : null);
                    jobs.add(job);
                    expected.put(y, c);
                }
            }
        }
        Path list = directory.resolve("jobs.json");
        new ObjectMapper().writeValue(list.toFile(), jobs);
        assertEquals("", python("src/test/python/load_keras.py", list));
        for (Map.Entry<Path, KerasCase> each : expected.entrySet()) {
            ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(each.getKey())).order(ByteOrder.LITTLE_ENDIAN);
            float[] values = new float[each.getValue().y().values().length];
            bytes.position(bytes.limit() - Float.BYTES * values.length);
            bytes.asFloatBuffer().get(values);
            // The same weights in the same layers, both in float64, rounded to float32 at the end. But for Dense, which
            // Keras computes in float32 with PyTorch: a few units of 2^-24.
            assertClose(each.getKey().toString(), each.getValue().y().values(), values, 3e-7);
        }
    }

    private static boolean hasKeras() throws InterruptedException {
        try {
            return python("-c", "import os; os.environ.setdefault('KERAS_BACKEND', 'torch'); import keras, h5py, sys;"
                    + " assert keras.__version__ >= '3'").isEmpty();
        } catch (IOException e) {
            return false;
        }
    }

    /** @return what it says, if it fails; else an empty text */
    private static String python(Object... arguments) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(PYTHON));
        Arrays.stream(arguments).map(Object::toString).forEach(command::add);
        ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
        builder.environment().put("OMP_NUM_THREADS", "1");
        Process process = builder.start();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        return process.waitFor() == 0 ? "" : said.isEmpty() ? "it failed" : said;
    }

    private static Path npy(Path file, HostTensor tensor) throws IOException {
        String shape = Arrays.stream(tensor.shape()).mapToObj(String::valueOf).collect(Collectors.joining(", "));
        String header = "{'descr': '<f4', 'fortran_order': False, 'shape': (" + shape + "), }";
        header += " ".repeat(117 - header.length()) + "\n";
        ByteBuffer bytes = ByteBuffer.allocate(128 + Float.BYTES * tensor.values().length)
                .order(ByteOrder.LITTLE_ENDIAN);
        bytes.put("\u0093NUMPY\u0001\u0000".getBytes(StandardCharsets.ISO_8859_1)).putShort((short) 118)
                .put(header.getBytes(StandardCharsets.US_ASCII));
        bytes.asFloatBuffer().put(tensor.values());
        return Files.write(file, bytes.array());
    }
}
