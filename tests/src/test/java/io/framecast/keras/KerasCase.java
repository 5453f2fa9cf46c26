package io.framecast.keras;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.framecast.backend.Backend;
import io.framecast.backend.Tensor;
import io.framecast.nn.HostTensor;
import io.framecast.nn.Network;
import io.framecast.train.Checkpoint;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** A model of tests/src/test/python/make_keras.py, with an input and its outputs, (videos, frames, h, w, channels). */
record KerasCase(String name, JsonNode settings) {

    static final Path DIRECTORY = Path.of("src/test/resources/keras");
    private static final ObjectMapper MAPPER = new ObjectMapper();

    static List<KerasCase> all() {
        try {
            List<KerasCase> all = new ArrayList<>();
            MAPPER.readTree(DIRECTORY.resolve("cases.json").toFile()).get("cases").properties()
                    .forEach(each -> all.add(new KerasCase(each.getKey(), each.getValue())));
            return all;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static KerasCase named(String name) {
        return all().stream().filter(each -> each.name.equals(name)).findFirst().orElseThrow();
    }

    List<Path> files() {
        List<Path> files = new ArrayList<>();
        settings.get("files").forEach(file -> files.add(DIRECTORY.resolve(file.textValue())));
        return files;
    }

    HostTensor x() {
        return tensor("x");
    }

    HostTensor y() {
        return tensor("y");
    }

    private HostTensor tensor(String tensor) {
        try {
            ByteBuffer file = ByteBuffer.wrap(Files.readAllBytes(DIRECTORY.resolve(name + ".safetensors")))
                    .order(ByteOrder.LITTLE_ENDIAN);
            int header = Math.toIntExact(file.getLong());
            JsonNode entry = MAPPER.readTree(new String(file.array(), Long.BYTES, header, StandardCharsets.UTF_8))
                    .get(tensor);
            int[] shape = MAPPER.convertValue(entry.get("shape"), int[].class);
            float[] values = new float[HostTensor.size(shape)];
            file.position(Long.BYTES + header + entry.get("data_offsets").get(0).intValue());
            file.asFloatBuffer().get(values);
            return new HostTensor(shape, values);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The outputs of a model for videos, both in Keras's order of axes. */
    static float[] outputs(Backend backend, Checkpoint checkpoint, HostTensor x) {
        int videos = x.shape()[0];
        int frames = x.shape()[1];
        try (Network network = Network.forInference(backend, checkpoint.model(), frames, videos);
                Tensor input = backend.tensor(x.values().length)) {
            network.parameters().set(checkpoint.parameters());
            input.write(swapped(x.values(), videos, frames));
            return swapped(network.forward(input, frames, videos, false).read(), frames, videos);
        }
    }

    /** Exchanges the first two axes, of these sizes. */
    private static float[] swapped(float[] values, int first, int second) {
        int size = values.length / (first * second);
        float[] swapped = new float[values.length];
        for (int a = 0; a < first; a++) {
            for (int b = 0; b < second; b++) {
                System.arraycopy(values, (a * second + b) * size, swapped, (b * first + a) * size, size);
            }
        }
        return swapped;
    }

    @Override
    public String toString() {
        return name;
    }
}
