package io.framecast;

import com.fasterxml.jackson.databind.json.JsonMapper;
import java.nio.file.Path;
import java.util.Map;

/** Writes JSON for people and programs to read. */
public final class JsonFiles {

    private static final JsonMapper MAPPER = new JsonMapper();

    private JsonFiles() {
    }

    /**
     * Replaces {@code file} by the map as an indented JSON object.
     *
     * @throws FramecastException if the file cannot be written; the previous file is untouched
     */
    public static void write(Path file, Map<String, Object> map) {
        AtomicFiles.write(file, MAPPER.valueToTree(map).toPrettyString() + "\n");
    }
}
