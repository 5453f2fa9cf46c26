package io.framecast.nn;

import static io.framecast.golden.Closeness.assertClose;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.framecast.backend.Tensor;
import io.framecast.backend.TestBackend;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Networks of odd sizes against TensorFlow.js, an implementation in plain JavaScript. Needs node and the npm package
 * {@code @tensorflow/tfjs} 4, which node finds by the environment variable NODE_PATH.
 */
class TensorFlowJsTest {

    private static final String SCRIPT = "src/test/node/forward.js";

    /** Outputs are sums of up to some hundred products in float32 on both sides, which differ in their order. */
    private static final double TOLERANCE = 1e-6;

    private static final ObjectMapper MAPPER = new ObjectMapper();

    @TempDir
    Path directory;

    /** Without batch normalisation, which TensorFlow.js has for images only. */
    private static final List<String> MODELS = List.of("""
            {"input": {"height": 5, "width": 7, "channels": 3}, "layers": [
              {"type": "ConvLSTM2D", "filters": 5, "kernel_size": [3, 5], "padding": "same"},
              {"type": "ConvLSTM2D", "filters": 3, "kernel_size": 1, "padding": "same", "activation": "relu"},
              {"type": "Conv3D", "filters": 3, "kernel_size": [3, 2, 3], "activation": "sigmoid"}]}""", """
            {"input": {"height": 9, "width": 4, "channels": 1}, "layers": [
              {"type": "ConvLSTM2D", "filters": 17, "kernel_size": 3, "padding": "same",
               "recurrent_activation": "hard_sigmoid_keras2"}]}""", """
            {"input": {"height": 6, "width": 11, "channels": 2}, "layers": [
              {"type": "ConvLSTM2D", "filters": 4, "kernel_size": [2, 3], "padding": "valid",
               "activation": "sigmoid"}]}""", """
            {"input": {"height": 8, "width": 7, "channels": 1}, "layers": [
              {"type": "ConvLSTM2D", "filters": 16, "kernel_size": 5, "padding": "same"}]}""");

    @Test
    void outputsAgree() throws Exception {
        int videos = 2;
        int frames = 3;
        List<Map<String, Object>> jobs = new ArrayList<>();
        List<float[]> ours = new ArrayList<>();
        for (String json : MODELS) {
            ModelConfig model = ModelJson.parse(json, "test");
            Map<String, HostTensor> parameters = new LinkedHashMap<>(Parameters.initial(model, 3));
            Random random = new Random(jobs.size());
            // Also of biases, which are initially 0 or 1: that would hide mistakes.
            parameters.replaceAll((name, tensor) -> name.endsWith("kernel") ? tensor
                    : uniform(tensor.shape(), -0.5f, random));
            FrameShape in = model.input();
            HostTensor x = uniform(new int[] {videos, frames, in.height(), in.width(), in.channels()}, 0, random);
            jobs.add(job(model, parameters, x));
            ours.add(forward(model, parameters, x));
        }
        JsonNode theirs = tensorFlowJs(jobs);
        for (int k = 0; k < ours.size(); k++) {
            assertClose(MODELS.get(k), MAPPER.convertValue(theirs.get(k), float[].class), ours.get(k), TOLERANCE);
        }
    }

    private static HostTensor uniform(int[] shape, float least, Random random) {
        float[] values = new float[HostTensor.size(shape)];
        for (int k = 0; k < values.length; k++) {
            values[k] = least + random.nextFloat();
        }
        return new HostTensor(shape, values);
    }

    private static Map<String, Object> job(ModelConfig model, Map<String, HostTensor> parameters, HostTensor x) {
        List<Object> layers = new ArrayList<>();
        for (LayerConfig layer : model.layers()) {
            Map<String, Object> settings = new LinkedHashMap<>();
            // TensorFlow.js has Keras 2's hard sigmoid, and names in camel case: kernelSize.
            layer.settings().forEach((name, value) -> settings.put(camelCase(name),
                    "hard_sigmoid_keras2".equals(value) ? "hardSigmoid" : value));
            layers.add(Map.of("type", layer.type(), "settings", settings));
        }
        List<Float> weights = new ArrayList<>();
        parameters.values().forEach(tensor -> {
            for (float value : tensor.values()) {
                weights.add(value);
            }
        });
        return Map.of("layers", layers, "weights", weights, "x", x.values(), "shape", x.shape());
    }

    private static String camelCase(String name) {
        StringBuilder camel = new StringBuilder();
        for (String word : name.split("_")) {
            camel.append(camel.length() == 0 ? word : Character.toUpperCase(word.charAt(0)) + word.substring(1));
        }
        return camel.toString();
    }

    /** (videos, frames, height, width, channels), as the input. */
    private static float[] forward(ModelConfig model, Map<String, HostTensor> parameters, HostTensor x) {
        int videos = x.shape()[0];
        int frames = x.shape()[1];
        try (TestBackend backend = TestBackend.fp32();
                Network network = Network.forInference(backend.get(), model, frames, videos);
                Tensor input = backend.get().tensor(x.values().length)) {
            network.parameters().set(parameters);
            input.write(swapped(x.values(), videos, frames));
            return swapped(network.forward(input, frames, videos, false).read(), frames, videos);
        }
    }

    /** Exchanges the first two axes, of these sizes. */
    private static float[] swapped(float[] values, int first, int second) {
        int size = values.length / (first * second);
        float[] swapped = new float[values.length];
        for (int k = 0; k < first * second; k++) {
            System.arraycopy(values, k * size, swapped, (k % second * first + k / second) * size, size);
        }
        return swapped;
    }

    private JsonNode tensorFlowJs(List<Map<String, Object>> jobs) throws Exception {
        Path list = directory.resolve("jobs.json");
        MAPPER.writeValue(list.toFile(), jobs);
        assumeTrue(node("-e", "require('@tensorflow/tfjs')") != null,
                "there is no node with the npm package @tensorflow/tfjs; NODE_PATH names the directory of packages");
        String said = node(SCRIPT, list.toString());
        assertEquals('[', said.charAt(0), said);
        return MAPPER.readTree(said);
    }

    /** @return what it prints; null if it fails */
    private String node(String... arguments) throws InterruptedException, IOException {
        List<String> command = new ArrayList<>(List.of("node"));
        command.addAll(List.of(arguments));
        Path out = directory.resolve("out");
        Path err = directory.resolve("err");
        try {
            Process process = new ProcessBuilder(command).redirectOutput(out.toFile()).redirectError(err.toFile())
                    .start();
            int status = process.waitFor();
            if (status != 0 && arguments[0].equals(SCRIPT)) {
                return Files.readString(err, StandardCharsets.UTF_8) + "node failed";
            }
            return status == 0 ? Files.readString(out, StandardCharsets.UTF_8) : null;
        } catch (IOException e) {
            return null;
        }
    }
}
