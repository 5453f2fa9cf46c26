package io.framecast.softgpu;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.List;
import java.util.stream.StreamSupport;

/** The device's counters. */
final class Counts {

    private Counts() {
    }

    /** What was counted of the only kernel with this name. */
    static JsonNode of(String kernel) {
        try {
            JsonNode all = new ObjectMapper().readTree(SoftGpu.countersJson()).get("kernels");
            List<JsonNode> named = StreamSupport.stream(all.spliterator(), false)
                    .filter(k -> k.get("name").asText().equals(kernel)).toList();
            assertEquals(1, named.size(), SoftGpu.countersJson());
            return named.get(0);
        } catch (JsonProcessingException e) {
            throw new AssertionError(SoftGpu.countersJson(), e);
        }
    }
}
