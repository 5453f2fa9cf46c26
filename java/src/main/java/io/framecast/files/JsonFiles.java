package io.framecast.files;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.exc.StreamConstraintsException;
import com.fasterxml.jackson.databind.JsonMappingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.NullNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.framecast.FramecastException;
import io.framecast.text.Quote;
import java.nio.file.Path;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Writes JSON files, and explains in plain words what is wrong with JSON that cannot be parsed. */
public final class JsonFiles {

    private static final JsonMapper MAPPER = new JsonMapper();

    private static final Pattern NO_NUMBER = Pattern.compile("Non-standard token '([^']*)'.*");
    private static final Pattern JACKSON = Pattern.compile("`|\\[Source|com\\.fasterxml|ALLOW_|io\\.framecast");

    private JsonFiles() {
    }

    /**
     * Replaces {@code file} by the map as an indented JSON object. NaN and infinities become null, since JSON has no
     * other way to write them.
     *
     * @throws FramecastException if the file cannot be written; the previous file is untouched
     */
    public static void write(Path file, Map<String, Object> map) {
        AtomicFiles.write(file, finite(MAPPER.valueToTree(map)).toPrettyString() + "\n");
    }

    /**
     * What is wrong with a JSON text, as part of a sentence, with the line. Jackson's own message is for programmers.
     */
    public static String fault(JsonProcessingException e) {
        String line = e.getLocation() == null || e.getLocation().getLineNr() <= 1 ? ""
                : " (line " + e.getLocation().getLineNr() + ")";
        return Quote.of(inPlainWords(e)) + line;
    }

    private static String inPlainWords(JsonProcessingException e) {
        String message = String.valueOf(e.getOriginalMessage()).lines().findFirst().orElse("");
        if (e instanceof StreamConstraintsException) {
            return message.contains("depth") ? "it is nested too deeply" : "a name, number or text in it is too long";
        }
        if (message.startsWith("Trailing token")) {
            return "something follows its end";
        }
        if (e instanceof JsonMappingException mapping) {
            if (mapping.getCause() instanceof IllegalArgumentException own) {
                return own.getMessage();
            }
            String name = mapping.getPath().isEmpty() ? null : mapping.getPath().get(0).getFieldName();
            return name == null ? "it has a wrong value" : "its \"" + name + "\" is wrong";
        }
        Matcher matcher = NO_NUMBER.matcher(message);
        if (matcher.matches()) {
            return matcher.group(1) + " is no number in JSON";
        }
        if (message.startsWith("Unexpected end-of-input")) {
            return "it ends too early";
        }
        // Cut where the message begins to speak of Jackson.
        matcher = JACKSON.matcher(message);
        return matcher.find() ? message.substring(0, matcher.start()).replaceFirst("[:(;][^:(;]*$", "").strip()
                : message;
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
