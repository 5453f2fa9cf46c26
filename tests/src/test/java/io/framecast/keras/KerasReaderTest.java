package io.framecast.keras;

import static io.framecast.golden.Closeness.assertClose;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.framecast.FramecastException;
import io.framecast.backend.TestBackend;
import io.framecast.nn.ModelConfig;
import io.framecast.nn.Pair;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Models that Keras saved give Keras's outputs. */
class KerasReaderTest {

    /**
     * Of outputs, relative to the largest, against Keras in float64. A sum of n products of float32 is off by about
     * sqrt(n) * 2^-24; the largest here has 300 (1e-6), and a few layers and frames follow each other.
     */
    static final double TOLERANCE = 3e-6;

    @TempDir
    Path directory;

    static KerasReader.Imported read(Path file, KerasCase c) {
        JsonNode size = c.settings().get("size");
        return KerasReader.read(file, size == null ? null : new Pair(size.get(0).intValue(), size.get(1).intValue()));
    }

    static Stream<Arguments> wholeModels() {
        return KerasCase.all().stream().flatMap(c -> c.files().stream().filter(file -> !isWeights(file))
                .map(file -> Arguments.of(c, file)));
    }

    private static boolean isWeights(Path file) {
        return file.toString().endsWith(".weights.h5") || file.endsWith("keras2-weights.h5");
    }

    @ParameterizedTest
    @MethodSource("wholeModels")
    void outputsAreKerass(KerasCase c, Path file) {
        assertTrue(KerasReader.isKeras(file));
        KerasReader.Imported imported = read(file, c);
        assertOutputs(c, imported);
        JsonNode note = c.settings().get("note");
        assertEquals(note == null ? 0 : 1, imported.notes().size(), imported.notes()::toString);
        assertTrue(note == null || imported.notes().get(0).contains(note.textValue()), imported.notes()::toString);
    }

    private static void assertOutputs(KerasCase c, KerasReader.Imported imported) {
        try (TestBackend backend = TestBackend.fp32()) {
            assertClose(c.name(), c.y().values(),
                    KerasCase.outputs(backend.get(), imported.checkpoint(), c.x()), TOLERANCE);
        }
    }

    @ParameterizedTest
    @CsvSource({"example, example.weights.h5, example.keras", "example, example.h5, example.keras",
            "keras2-weights, keras2-weights.h5, keras2-early.h5"})
    void weightsAreReadForAModel(String name, String weights, String model) {
        KerasCase c = KerasCase.named(name);
        ModelConfig config = read(KerasCase.DIRECTORY.resolve(model), c).checkpoint().model();
        assertOutputs(c, KerasReader.readWeights(KerasCase.DIRECTORY.resolve(weights), config));
        ModelConfig more = config.withFilters(2);
        FramecastException e = assertThrows(FramecastException.class,
                () -> KerasReader.readWeights(KerasCase.DIRECTORY.resolve(weights), more));
        assertTrue(e.getMessage().contains("shape"), e::getMessage);
    }

    @Test
    void framesMayHaveAnotherSizeThanTheModelsOwn() {
        Path file = KerasCase.DIRECTORY.resolve("example.keras");
        assertEquals(9, KerasReader.read(file, new Pair(9, 8)).checkpoint().model().output().height());
    }

    /** A change of a layer's config, and what the refusal says. */
    record Refusal(String file, String layer, Consumer<ObjectNode> change, String says) {

        @Override
        public String toString() {
            return says;
        }
    }

    private static ObjectNode config(ObjectNode layer) {
        return (ObjectNode) layer.get("config");
    }

    private static ObjectNode call(ObjectNode layer) {
        return (ObjectNode) layer.get("inbound_nodes").get(0);
    }

    static List<Refusal> refusals() {
        return List.of(
                new Refusal("example", "conv_lstm2d", layer -> config(layer).put("return_sequences", false),
                        "layer \"conv_lstm2d\" (ConvLSTM2D) cannot be imported: it returns the last frame alone"),
                new Refusal("example", "conv_lstm2d", layer -> config(layer).put("go_backwards", true), "go_backwards"),
                new Refusal("example", "conv_lstm2d", layer -> config(layer).put("data_format", "channels_first"),
                        "data_format=\"channels_last\""),
                new Refusal("example", "conv_lstm2d", layer -> config(layer).put("activation", "elu"),
                        "a ConvLSTM2D with the activation elu"),
                new Refusal("example", "conv_lstm2d", layer -> config(layer).put("unheard_of", 3),
                        "its \"unheard_of\" is not known here"),
                new Refusal("example", "conv3d", layer -> config(layer).putArray("strides").add(2).add(1).add(1),
                        "changes the number of frames"),
                new Refusal("example", "conv3d", layer -> config(layer).put("padding", "valid"), "padding=\"same\""),
                new Refusal("example", "conv3d", layer -> config(layer).put("activation", "softmax"),
                        "activation softmax"),
                new Refusal("example", "conv3d", layer -> config(layer).putObject("activation")
                        .put("class_name", "function").put("config", "my_code"), "\"my_code\" is Python code"),
                new Refusal("example", "conv3d", layer -> layer.put("class_name", "Lambda"),
                        "layer \"conv3d\" (Lambda) is Python code in the model, which is not run here"),
                new Refusal("example", "conv3d", layer -> layer.put("registered_name", "my_package>Conv3D"),
                        "Python code"),
                new Refusal("example", "conv3d", layer -> layer.put("class_name", "Softmax"), "no such layer"),
                new Refusal("example", "batch_normalization", layer -> config(layer).put("axis", 2), "\"axis\""),
                new Refusal("example", "batch_normalization", layer -> config(layer).put("name", "conv3d"),
                        "two layers of the name \"conv3d\""),
                new Refusal("skip", "add", layer -> layer.withArray("inbound_nodes").add(call(layer)), "used 2 times"),
                new Refusal("skip", "dropout", layer -> call(layer).putObject("kwargs").put("training", true),
                        "\"training\""),
                new Refusal("skip", "add", layer -> ((ObjectNode) call(layer).at("/args/0/0/config"))
                        .putArray("keras_history").add("concatenate").add(0).add(0), "takes theirs"));
    }

    @ParameterizedTest
    @MethodSource("refusals")
    void whatIsNotPossibleIsASentenceWithTheLayersName(Refusal refusal) throws IOException {
        Path file = changed(KerasCase.DIRECTORY.resolve(refusal.file + ".keras"), KerasArchive.CONFIG, json -> {
            JsonNode model = new ObjectMapper().readTree(json);
            for (JsonNode layer : model.get("config").get("layers")) {
                if (layer.get("config").get("name").asText().equals(refusal.layer)) {
                    refusal.change.accept((ObjectNode) layer);
                }
            }
            return model.toString().getBytes(StandardCharsets.UTF_8);
        });
        assertRefused(file, refusal.says);
    }

    private static void assertRefused(Path file, String says) {
        String message = assertThrows(FramecastException.class, () -> KerasReader.read(file, null)).getMessage();
        assertTrue(message.contains(says), message);
        assertTrue(message.endsWith("."), message);
    }

    private interface Change {
        byte[] of(byte[] entry) throws IOException;
    }

    private Path changed(Path archive, String name, Change change) throws IOException {
        Map<String, byte[]> entries = new LinkedHashMap<>();
        try (ZipFile zip = new ZipFile(archive.toFile())) {
            for (ZipEntry entry : zip.stream().toList()) {
                byte[] bytes = zip.getInputStream(entry).readAllBytes();
                entries.put(entry.getName(), entry.getName().equals(name) ? change.of(bytes) : bytes);
            }
        }
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ZipOutputStream zip = new ZipOutputStream(bytes)) {
            for (Map.Entry<String, byte[]> entry : entries.entrySet()) {
                if (entry.getValue() != null) {
                    zip.putNextEntry(new ZipEntry(entry.getKey()));
                    zip.write(entry.getValue());
                }
            }
        }
        return Files.write(directory.resolve("changed.keras"), bytes.toByteArray());
    }

    @Test
    void anArchiveThatIsNoModelIsASentence() throws IOException {
        Path good = KerasCase.DIRECTORY.resolve("example.keras");
        assertRefused(changed(good, KerasArchive.WEIGHTS, bytes -> null), "has no \"model.weights.h5\"");
        assertRefused(changed(good, KerasArchive.WEIGHTS, bytes -> new byte[1 << 26]), "more than it can have");
        assertRefused(changed(good, KerasArchive.CONFIG, bytes -> new byte[(1 << 24) + 1]), "more than it can have");
        assertRefused(changed(good, KerasArchive.CONFIG, bytes -> "[".repeat(5000).getBytes(StandardCharsets.UTF_8)),
                "nested too deeply");
        assertRefused(changed(good, KerasArchive.METADATA, bytes -> "{}".getBytes(StandardCharsets.UTF_8)),
                "not written by Keras 2 or 3");
        assertRefused(changed(good, KerasArchive.WEIGHTS, bytes -> Files.readAllBytes(
                KerasCase.DIRECTORY.resolve("norm-options.h5"))), "weights of 3 layers, but the model has 6");
        assertRefused(KerasCase.DIRECTORY.resolve("open-size.keras"), "leaves the size of its frames open");
        assertRefused(KerasCase.DIRECTORY.resolve("example.weights.h5"), "weights alone");
    }

    /** Weights of a whole model and its archive are the same. */
    @Test
    void formatsAgree() {
        KerasReader.Imported archive = read(KerasCase.DIRECTORY.resolve("nested.keras"), KerasCase.named("nested"));
        KerasReader.Imported hdf5 = read(KerasCase.DIRECTORY.resolve("nested.h5"), KerasCase.named("nested"));
        assertEquals(archive.checkpoint().model(), hdf5.checkpoint().model());
        archive.checkpoint().parameters().forEach((name, tensor) -> assertArrayEquals(tensor.values(),
                hdf5.checkpoint().parameters().get(name).values(), name));
    }

    @Test
    void saysThatAPolicyIsNotFollowed() throws IOException {
        Path file = changed(KerasCase.DIRECTORY.resolve("example.keras"), KerasArchive.CONFIG,
                bytes -> new String(bytes, StandardCharsets.UTF_8)
                        .replace("\"name\": \"float32\"", "\"name\": \"mixed_bfloat16\"")
                        .getBytes(StandardCharsets.UTF_8));
        List<String> notes = KerasReader.read(file, null).notes();
        assertTrue(notes.stream().anyMatch(note -> note.contains("policy mixed_bfloat16")), notes::toString);
    }
}
