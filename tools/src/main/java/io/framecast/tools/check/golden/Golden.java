package io.framecast.tools.check.golden;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.framecast.nn.HostTensor;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Golden values, computed by tests/src/test/python/make_golden.py in float64: safetensors files whose metadata
 * describes the cases. A tensor is named {@code CASE.TENSOR}. They lie in tests/src/test/resources/golden, and in the
 * jar of this module, so that every machine can compare with them.
 */
public final class Golden {

    /** One case: its name, its settings, and its tensors. */
    public record Case(Golden golden, String name, JsonNode settings) {

        public float[] values(String tensor) {
            return golden.values(name + "." + tensor);
        }

        public int[] shape(String tensor) {
            return golden.shape(name + "." + tensor);
        }

        public int number(String setting) {
            return settings.get(setting).intValue();
        }

        public String text(String setting) {
            return settings.get(setting).textValue();
        }

        public double[] numbers(String setting) {
            JsonNode list = settings.get(setting);
            double[] numbers = new double[list.size()];
            for (int k = 0; k < numbers.length; k++) {
                numbers[k] = list.get(k).doubleValue();
            }
            return numbers;
        }

        /** The names of the tensors that begin with {@code prefix}, without it. */
        public List<String> named(String prefix) {
            String start = name + "." + prefix;
            return golden.tensors.keySet().stream().filter(tensor -> tensor.startsWith(start))
                    .map(tensor -> tensor.substring(start.length())).toList();
        }

        /** The tensors whose names begin with {@code prefix}, by their names without it. */
        public Map<String, HostTensor> tensors(String prefix) {
            Map<String, HostTensor> tensors = new LinkedHashMap<>();
            for (String name : named(prefix)) {
                tensors.put(name, new HostTensor(shape(prefix + name), values(prefix + name)));
            }
            return tensors;
        }

        @Override
        public String toString() {
            return name;
        }
    }

    private final Map<String, JsonNode> tensors = new LinkedHashMap<>();
    private final JsonNode cases;
    private final ByteBuffer data;

    private Golden(byte[] file) throws IOException {
        ObjectMapper mapper = new ObjectMapper();
        ByteBuffer buffer = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
        int length = Math.toIntExact(buffer.getLong());
        JsonNode header = mapper.readTree(new String(file, Long.BYTES, length, StandardCharsets.UTF_8));
        data = buffer.position(Long.BYTES + length).slice().order(ByteOrder.LITTLE_ENDIAN);
        header.fields().forEachRemaining(field -> tensors.put(field.getKey(), field.getValue()));
        cases = mapper.readTree(tensors.remove("__metadata__").get("cases").textValue());
    }

    public static Golden load(String name) {
        try (InputStream in = Golden.class.getResourceAsStream("/io/framecast/golden/" + name + ".safetensors")) {
            return new Golden(in.readAllBytes());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public List<Case> cases() {
        List<Case> list = new ArrayList<>();
        cases.fields().forEachRemaining(field -> list.add(new Case(this, field.getKey(), field.getValue())));
        return list;
    }

    public Case named(String name) {
        return new Case(this, name, cases.get(name));
    }

    public float[] values(String name) {
        JsonNode tensor = tensors.get(name);
        if (!tensor.get("dtype").textValue().equals("F32")) {
            throw new IllegalStateException(name + " is not of float32");
        }
        int begin = tensor.get("data_offsets").get(0).intValue();
        int end = tensor.get("data_offsets").get(1).intValue();
        float[] values = new float[(end - begin) / Float.BYTES];
        data.slice(begin, end - begin).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(values);
        return values;
    }

    public int[] shape(String name) {
        JsonNode list = tensors.get(name).get("shape");
        int[] shape = new int[list.size()];
        for (int k = 0; k < shape.length; k++) {
            shape[k] = list.get(k).intValue();
        }
        return shape;
    }
}
