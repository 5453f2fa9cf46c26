package io.framecast.device.sampling;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** The software device's counters, read from its JSON. */
final class CounterJson {

    /**
     * A kernel's launches of one shape, summed.
     *
     * @param fingerprint of the kernel's module: {@link PtxFingerprint}
     */
    record Shape(String kernel, String fingerprint, List<Integer> grid, int threads, int dynamicShared, long launches,
            Map<String, Long> warps, Map<String, Long> tensorFlop, long tensorOperations, long wavefronts,
            long sectors, long sectorsRead, long sectorsWritten, long busSectors) {
    }

    private CounterJson() {
    }

    /** The shapes of all kernels, in the order of their first launches. */
    static List<Shape> shapes(String json) {
        List<Shape> shapes = new ArrayList<>();
        try {
            for (JsonNode kernel : new ObjectMapper().readTree(json).get("kernels")) {
                for (JsonNode shape : kernel.get("shapes")) {
                    shapes.add(shape(kernel, shape));
                }
            }
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("the software device's counters are no JSON", e);
        }
        return shapes;
    }

    private static Shape shape(JsonNode kernel, JsonNode shape) {
        Map<String, Long> flop = new TreeMap<>();
        long operations = 0;
        for (JsonNode kind : shape.get("tensor")) {
            flop.merge(kind.get("type").asText(), kind.get("flop").asLong(), Long::sum);
            operations += kind.get("count").asLong();
        }
        Map<String, Long> warps = new TreeMap<>();
        shape.get("by_class").fields().forEachRemaining(of -> warps.put(of.getKey(), of.getValue().asLong()));
        return new Shape(kernel.get("name").asText(), kernel.get("fingerprint").asText(), numbers(shape.get("grid")),
                numbers(shape.get("block")).stream().reduce(1, Math::multiplyExact),
                shape.get("dynamic_shared").asInt(), shape.get("launches").asLong(), warps, flop, operations,
                shape.get("wavefronts").asLong(), shape.get("l2_sectors").asLong(), shape.get("sectors_read").asLong(),
                shape.get("sectors_written").asLong(), shape.get("bus_sectors").asLong());
    }

    private static List<Integer> numbers(JsonNode list) {
        List<Integer> numbers = new ArrayList<>();
        list.forEach(number -> numbers.add(number.asInt()));
        return numbers;
    }
}
