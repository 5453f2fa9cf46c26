package io.framecast.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.framecast.FramecastException;
import io.framecast.nn.FrameShape;
import io.framecast.nn.HostTensor;
import io.framecast.nn.ModelConfig;
import io.framecast.nn.Models;
import io.framecast.nn.ModelJson;
import io.framecast.nn.Parameters;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class CheckpointTest {

    private static final String MODEL = """
            {"input": {"height": 4, "width": 6, "channels": 1}, "layers": [
              {"type": "ConvLSTM2D", "filters": 2, "kernel_size": [3, 5], "padding": "same"},
              {"type": "BatchNormalization"},
              {"type": "Conv3D", "filters": 1, "kernel_size": 3, "activation": "sigmoid"}]}
            """;

    /** The description of a run; the checkpoint does not interpret it. */
    private static final ObjectNode RUN = (ObjectNode) SafeTensorsFile.json("{\"options\": {\"seed\": 7}}");

    @TempDir
    Path directory;

    private static Checkpoint checkpoint() {
        ModelConfig model = ModelJson.parse(MODEL, "test");
        Map<String, HostTensor> m = new LinkedHashMap<>(Parameters.initial(model, 2));
        Map<String, HostTensor> v = new LinkedHashMap<>(Parameters.initial(model, 3));
        for (Map<String, HostTensor> averages : List.of(m, v)) {
            averages.keySet().removeIf(name -> name.contains("moving"));
        }
        Progress.Callbacks callbacks = new Progress.Callbacks(new EarlyStopping.State(0.1 + 0.2, 3),
                new ReduceLROnPlateau.State(null, 0), new Progress.BestLoss(1 / 3.0));
        return new Checkpoint(model, Parameters.initial(model, 1), new Checkpoint.Training(m, v, null,
                new Progress(1L << 40, 7, 2, 0.1, 9, 1.5, 2.5e-4, callbacks,
                new Progress.RandomState(Long.MIN_VALUE)), RUN));
    }

    @Test
    void aRunsCheckpointComesBackBitForBit() {
        Path file = directory.resolve("c.safetensors");
        Checkpoint expected = checkpoint();
        expected.write(file);
        Checkpoint actual = Checkpoint.read(file);
        assertEquals(expected.model(), actual.model());
        assertEquals(expected.training().progress(), actual.training().progress());
        assertEquals(RUN, actual.training().run());
        assertSame(expected.parameters(), actual.parameters());
        assertSame(expected.training().m(), actual.training().m());
        assertSame(expected.training().v(), actual.training().v());
    }

    @Test
    void theTrainedModelComesWithTheProgram() throws IOException {
        Checkpoint trained = Checkpoint.pretrained("moving-mnist");
        assertEquals(new FrameShape(64, 64, 1), trained.model().input());
        assertEquals(Models.load("motion-large"), trained.model(), "what README says");
        assertNull(trained.training(), "the state of its run would triple its size");
        try (InputStream in = Checkpoint.class.getResourceAsStream("moving-mnist.safetensors")) {
            assertTrue(in.readAllBytes().length <= 6_000_000, "it is in the repository");
        }
        Path file = directory.resolve("copy.safetensors");
        trained.write(file);
        assertSame(trained.parameters(), Checkpoint.read(file).parameters());
        assertEquals("There is no trained model \"moving-pictures\"; there is moving-mnist.",
                assertThrows(FramecastException.class, () -> Checkpoint.pretrained("moving-pictures")).getMessage());
    }

    @Test
    void oneThatDoesNotSayWhatItsRunIsIsReadToo() {
        Path file = directory.resolve("c.safetensors");
        Checkpoint checkpoint = checkpoint();
        checkpoint.write(file);
        SafeTensorsFile contents = SafeTensorsFile.read(file);
        ObjectNode metadata = (ObjectNode) contents.header().get("__metadata__");
        ObjectNode state = (ObjectNode) SafeTensorsFile.json(metadata.get("framecast.training").textValue());
        assertEquals(RUN, state.remove("run"));
        metadata.put("framecast.training", state.toString());
        contents.write(file);
        Checkpoint.Training training = Checkpoint.read(file).training();
        assertNull(training.run());
        assertEquals(checkpoint.training().progress(), training.progress());
    }

    @Test
    void oneOfARunThatAveragesHasTheLastWeightsToo() {
        Path file = directory.resolve("c.safetensors");
        Checkpoint plain = checkpoint();
        Map<String, HostTensor> weights = Parameters.initial(plain.model(), 4);
        new Checkpoint(plain.model(), plain.parameters(), new Checkpoint.Training(plain.training().m(),
                plain.training().v(), weights, plain.training().progress(), RUN)).write(file);
        Checkpoint read = Checkpoint.read(file);
        assertSame(plain.parameters(), read.parameters());
        assertSame(weights, read.training().weights());
        // All of them, or none.
        SafeTensorsFile contents = SafeTensorsFile.read(file);
        ObjectNode header = contents.header();
        header.set("optimizer.weights.layers.0.other", header.remove("optimizer.weights.layers.0.bias"));
        contents.write(file);
        String message = assertThrows(FramecastException.class, () -> Checkpoint.read(file)).getMessage();
        assertTrue(message.contains("has no tensor \"optimizer.weights.layers.0.bias\""), message);
    }

    private static void assertSame(Map<String, HostTensor> expected, Map<String, HostTensor> actual) {
        assertEquals(expected.keySet(), actual.keySet());
        expected.forEach((name, tensor) -> {
            assertArrayEquals(tensor.shape(), actual.get(name).shape(), name);
            assertArrayEquals(tensor.values(), actual.get(name).values(), name);
        });
    }

    @Test
    void itHasTheNamesLayoutsAndMetadataThatOtherProgramsRelyOn() {
        Path file = directory.resolve("c.safetensors");
        checkpoint().write(file);
        SafeTensorsFile read = SafeTensorsFile.read(file);
        Map<String, String> shapes = Map.of(
                "layers.0.kernel", "[3,5,1,8]", "layers.0.recurrent_kernel", "[3,5,2,8]", "layers.0.bias", "[8]",
                "layers.1.gamma", "[2]", "layers.1.beta", "[2]",
                "layers.1.moving_mean", "[2]", "layers.1.moving_variance", "[2]",
                "layers.2.kernel", "[3,3,3,2,1]", "layers.2.bias", "[1]");
        Set<String> names = new TreeSet<>(Set.of("__metadata__"));
        shapes.forEach((name, shape) -> {
            names.add(name);
            assertEquals(shape, read.shape(name).toString(), name);
            if (!name.contains("moving")) {
                names.add("optimizer.m." + name);
                names.add("optimizer.v." + name);
            }
        });
        Set<String> actual = new TreeSet<>();
        read.header().fieldNames().forEachRemaining(actual::add);
        assertEquals(names, actual);
        assertEquals("ConvLSTM2D",
                SafeTensorsFile.json(read.metadata("framecast.model")).at("/layers/0/type").asText());
        assertEquals(1L << 40, SafeTensorsFile.json(read.metadata("framecast.training")).get("step").longValue());
        assertEquals(7, SafeTensorsFile.json(read.metadata("framecast.training")).get("epoch").intValue());
        assertEquals(2.5e-4,
                SafeTensorsFile.json(read.metadata("framecast.training")).get("learning_rate").doubleValue());
    }

    /** A damage to a file: changes the header that the writer made. */
    private interface Damage {
        void to(ObjectNode header, ObjectNode metadata);
    }

    private static Arguments damage(String what, String says, Damage damage) {
        return Arguments.of(what, says, damage);
    }

    private static Arguments training(String what, String from, String to) {
        return damage("training state: " + what, "training state", (header, metadata) -> {
            String json = metadata.get("framecast.training").textValue();
            assertTrue(json.contains(from), json);
            metadata.put("framecast.training", json.replace(from, to));
        });
    }

    private static Arguments replaced(String what, String key, String says, UnaryOperator<String> change) {
        return damage(what, says, (header, metadata) -> metadata.put(key, change.apply(metadata.get(key).textValue())));
    }

    static Stream<Arguments> damages() {
        String model = "framecast.model";
        String training = "framecast.training";
        return Stream.of(
                damage("no metadata", "not made by Framecast", (header, metadata) -> header.remove("__metadata__")),
                damage("metadata that is no object", "not made by Framecast",
                        (header, metadata) -> header.put("__metadata__", "x")),
                damage("metadata that is null", "not made by Framecast",
                        (header, metadata) -> header.putNull("__metadata__")),
                damage("no model", "not made by Framecast", (header, metadata) -> metadata.remove(model)),
                damage("model null", model, (header, metadata) -> metadata.putNull(model)),
                damage("model as an object", model, (header, metadata) -> metadata.putObject(model).put("a", 1)),
                replaced("model empty", model, model, json -> ""),
                replaced("model cut", model, "not valid JSON", json -> json.substring(0, json.length() / 2)),
                replaced("model with a list for a number", model, "height",
                        json -> json.replace("\"height\":4", "\"height\":[4]")),
                replaced("model with more filters than parameters", model, "asks for [3, 5, 1, 12]",
                        json -> json.replace("\"filters\":2", "\"filters\":3")),
                replaced("model of parameters beyond all bounds", model, "too large",
                        json -> json.replace("\"filters\":2", "\"filters\":16384")),
                replaced("model without batch norm", model, "has no tensor \"layers.1.kernel\"", json -> json.replace(
                        "{\"type\":\"BatchNormalization\",\"epsilon\":0.001,\"momentum\":0.99},", "")),
                damage("a tensor by another name", "has no tensor \"layers.2.bias\"", (header, metadata) ->
                        header.set("layers.2.bases", header.remove("layers.2.bias"))),
                damage("tensors of a training that has no state",
                "\"optimizer.m.layers.0.kernel\" that its model does not",
                        (header, metadata) -> metadata.remove(training)),
                damage("a shape turned round", "asks for [3, 5, 1, 8]", (header, metadata) ->
                        ((ObjectNode) header.get("layers.0.kernel")).putArray("shape").add(5).add(3).add(1).add(8)),
                damage("a shape with an axis less", "asks for [3, 5, 1, 8]", (header, metadata) ->
                        ((ObjectNode) header.get("layers.0.kernel")).putArray("shape").add(120)),
                damage("no optimizer state", "optimizer.m", (header, metadata) ->
                        header.set("elsewhere", header.remove("optimizer.m.layers.0.bias"))),
                replaced("training state empty", training, "training state", json -> ""),
                replaced("training state null", training, "training state", json -> "null"),
                replaced("training state a list", training, "training state", json -> "[]"),
                replaced("training state without content", training, "training state", json -> "{}"),
                replaced("training state cut", training, "training state", json -> json.substring(0,
                json.length() - 5)),
                replaced("training state deep", training, "training state", json -> "[".repeat(100_000)),
                damage("training state as null", "training state", (header, metadata) -> metadata.putNull(training)),
                training("a step that is no number", "\"step\":1099511627776", "\"step\":\"soon\""),
                training("a step that is null", "\"step\":1099511627776", "\"step\":null"),
                training("a negative step", "\"step\":1099511627776", "\"step\":-1"),
                training("an epoch beyond an int", "\"epoch\":7", "\"epoch\":9999999999"),
                training("a negative batch", "\"batch\":2", "\"batch\":-2"),
                training("batches without videos", "\"epoch_videos\":9", "\"epoch_videos\":0"),
                training("a learning rate of 0", "\"learning_rate\":2.5E-4", "\"learning_rate\":0"),
                training("a learning rate of NaN", "\"learning_rate\":2.5E-4", "\"learning_rate\":\"NaN\""),
                training("no callbacks", "\"callbacks\":{", "\"callbacks\":null,\"more\":{"),
                training("callbacks null", "\"early_stopping\":{", "\"early_stopping\":null,\"more\":{"),
                training("unknown setting", "\"step\":", "\"speed\":1,\"step\":"),
                training("a run that is no object", "\"run\":{\"options\":{\"seed\":7}}", "\"run\":[1]"),
                training("a run that is null", "\"run\":{\"options\":{\"seed\":7}}", "\"run\":null"),
                training("no random state", "\"random_state\":{\"seed\":-9223372036854775808}",
                "\"random_state\":null"));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("damages")
    void aDamagedCheckpointIsRefusedInASentence(String what, String says, Damage damage) {
        Path file = directory.resolve("c.safetensors");
        checkpoint().write(file);
        SafeTensorsFile contents = SafeTensorsFile.read(file);
        damage.to(contents.header(), (ObjectNode) contents.header().get("__metadata__"));
        contents.write(file);
        assertRefused(file, says);
    }

    @Test
    void notANumberInAnyTensorIsRefused() {
        for (int which = 0; which < 3; which++) {
            Checkpoint checkpoint = checkpoint();
            Map<String, HostTensor> tensors = which == 0 ? checkpoint.parameters()
                    : which == 1 ? checkpoint.training().m() : checkpoint.training().v();
            tensors.get("layers.0.kernel").values()[17] = which == 0 ? Float.NaN : Float.NEGATIVE_INFINITY;
            Path file = directory.resolve("c.safetensors");
            checkpoint.write(file);
            assertRefused(file, "layers.0.kernel\" in the checkpoint");
        }
    }

    private static void assertRefused(Path file, String says) {
        FramecastException e = assertThrows(FramecastException.class, () -> Checkpoint.read(file));
        assertTrue(e.getMessage().contains(file.toString()) && e.getMessage().contains(says), e.getMessage());
        assertTrue(e.getMessage().endsWith(".") && !e.getMessage().contains("\n"), e.getMessage());
    }
}
