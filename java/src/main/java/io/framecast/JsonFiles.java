package io.framecast;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.NullNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.Map;

/** Writes JSON for people and programs to read. */
public final class JsonFiles {

    private static final JsonMapper MAPPER = new JsonMapper();

    private JsonFiles() {
    }

    /**
     * Replaces {@code file} by the map as an indented JSON object. JSON knows neither NaN nor infinities: in their
     * places there is null.
     *
     * @throws FramecastException if the file cannot be written; the previous file is untouched
     */
    public static void write(Path file, Map<String, Object> map) {
        AtomicFiles.write(file, finite(MAPPER.valueToTree(map)).toPrettyString() + "\n");
    }

    private static JsonNode finite(JsonNode node) {
        if (node instanceof ObjectNode object) {
            object.fields().forEachRemaining(field -> field.setValue(finite(field.getValue())));
        } else if (node instanceof ArrayNode array) {
            for (int k = 0; k < array.size(); k++) {
                array.set(k, finite(array.get(k)));
            }
        } else if (node.isFloatingPointNumber() && !Double.isFinite(node.doubleValue())) {
            return NullNode.instance;
        }
        return node;
    }
}
