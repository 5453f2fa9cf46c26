package io.framecast.train;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.framecast.FramecastException;
import io.framecast.files.AtomicFiles;
import io.framecast.files.JsonFiles;
import io.framecast.nn.ModelConfig;
import io.framecast.nn.ModelJson;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/** What a run is: its description, which its checkpoints have, too, and its model; as {@code config.json}. */
final class RunConfig {

    static final String NAME = "config.json";

    private static final JsonMapper MAPPER = new JsonMapper();
    private static final String MODEL = "model";

    private final Path file;
    private ObjectNode description = MAPPER.createObjectNode();
    /** The description in the file; null before it was written. */
    private ObjectNode written;

    RunConfig(Path file) {
        this.file = file;
    }

    Path file() {
        return file;
    }

    void describe(Map<String, ?> text) {
        try {
            // As it will be read again, to compare with.
            description = (ObjectNode) MAPPER.readTree(MAPPER.writeValueAsString(text));
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException(e);
        }
    }

    ObjectNode description() {
        return description;
    }

    /** @throws FramecastException if the file cannot be read, or is not a JSON object */
    JsonNode read() {
        try {
            JsonNode json = MAPPER.readTree(Files.readString(file));
            if (!json.isObject()) {
                throw new FramecastException(file + " is not a JSON object.");
            }
            return json;
        } catch (JsonProcessingException e) {
            throw new FramecastException(file + " is not valid JSON: " + JsonFiles.fault(e) + ".", e);
        } catch (IOException e) {
            throw new FramecastException(file + " cannot be read.", e);
        }
    }

    void write(ModelConfig model) {
        ObjectNode json = description.deepCopy();
        json.set(MODEL, MAPPER.valueToTree(ModelJson.toMap(model)));
        AtomicFiles.write(file, json.toPrettyString() + "\n");
        written = description;
    }

    /** Whether the file has the present description. */
    boolean isWritten() {
        return description.equals(written);
    }

    /** Whether there is a file, not an empty one, that no run has written. */
    boolean isForeign() {
        return Files.exists(file) && !isEmpty() && !isConfig();
    }

    private boolean isEmpty() {
        try {
            return Files.isRegularFile(file) && Files.size(file) == 0;
        } catch (IOException e) {
            throw AtomicFiles.cannotWrite(file, e);
        }
    }

    private boolean isConfig() {
        try {
            return read().has(MODEL);
        } catch (FramecastException e) {
            return false;
        }
    }
}
