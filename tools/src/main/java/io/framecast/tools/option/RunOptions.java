package io.framecast.tools.option;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.framecast.FramecastException;
import io.framecast.text.Quote;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

/** The options of {@code framecast train} that are kept in a run's config. */
public final class RunOptions {

    /**
     * Where the videos are, and how to read them. May change when a run resumes: the fingerprint ensures that the
     * videos are the same.
     */
    private static final List<String> PLACE = List.of("--data", "--layout", "--scale", "--digits");

    /** How video files become clips. */
    private static final List<String> CLIPS = List.of("--size", "--gray", "--rgb", "--fps", "--stride", "--clip-step",
            "--frames");

    /** Options that cannot change when a run resumes. */
    private static final List<String> KEPT = Stream.concat(CLIPS.stream(), Stream.of("--videos", "--model", "--init",
            "--batch-size", "--optimizer", "--lr", "--lr-schedule", "--warmup", "--clip-norm", "--ema",
            "--scheduled-sampling", "--context", "--loss-frames", "--seed", "--validation-split", "--no-shuffle",
            "--fresh", "--loss", "--precision", "--threads", "--local-batch-norm")).toList();

    /** Options of how a model is trained, whatever the model, the videos and the machine are. */
    public static final List<String> RECIPE = KEPT.stream().filter(name -> !CLIPS.contains(name)
            && !List.of("--videos", "--model", "--init",
            "--seed", "--validation-split", "--no-shuffle", "--fresh", "--precision", "--threads",
            "--local-batch-norm").contains(name))
            .toList();

    /** Options that a run started with --init takes from its checkpoint or its machine. */
    private static final List<String> NOT_ANOTHERS = List.of("--model", "--init", "--threads", "--local-batch-norm");

    /** The limits of a run: a run that resumes keeps each that is not given again, see {@link #restore}. */
    private static final List<String> LIMITS = List.of("--epochs", "--steps");

    private final CommandSpec spec;

    public RunOptions(CommandSpec spec) {
        this.spec = spec;
    }

    public boolean isGiven(String name) {
        return spec.commandLine().getParseResult().hasMatchedOption(name);
    }

    /** @throws Options.UsageException if the user gave an option that cannot change */
    public void requireNoneKeptGiven() {
        for (String name : KEPT) {
            Options.require(!isGiven(name), name + " cannot change when a run resumes; leave it out.");
        }
    }

    /** The given options that a new run on the same videos needs, quoted for a shell, each after a space. */
    public String given() {
        StringBuilder words = new StringBuilder();
        Stream.of(PLACE, KEPT).flatMap(List::stream).filter(name -> !NOT_ANOTHERS.contains(name)).forEach(name -> {
            OptionSpec option = spec.findOption(name);
            Object value = option.getValue();
            if (value == null || value.equals(false)
                    || value.toString().equalsIgnoreCase(option.defaultValueString())) {
                return;
            }
            words.append(words(name, value));
        });
        return words.toString();
    }

    /** An option with its value, quoted for a shell, each after a space. */
    private static String words(String name, Object value) {
        return " " + name + (value.equals(true) ? "" : " " + Options.quoted(value instanceof Enum<?>
                ? value.toString().toLowerCase(Locale.ROOT) : value.toString()));
    }

    /**
     * Sets the options of a model's recipe, except for those that the user gave.
     *
     * @param recipe by name without dashes
     * @return those that were set, as in a command line, each after a space
     */
    public String take(Map<String, Object> recipe) {
        JsonNode options = new JsonMapper().valueToTree(recipe);
        StringBuilder words = new StringBuilder();
        recipe.forEach((key, value) -> {
            String name = "--" + key;
            if (!isGiven(name)) {
                restore(name, options, "The recipe");
                words.append(words(name, value));
            }
        });
        return words.toString();
    }

    /** All options with their values, including defaults. */
    public Map<String, Object> toMap() {
        Map<String, Object> options = new LinkedHashMap<>();
        Stream.of(PLACE, KEPT, LIMITS).flatMap(List::stream).forEach(name -> {
            Object value = spec.findOption(name).getValue();
            options.put(name.substring(2), value instanceof Enum<?> ? value.toString().toLowerCase(Locale.ROOT)
                    : value instanceof Path ? value.toString() : value);
        });
        return options;
    }

    /**
     * Sets the options to those of a run, except for those that the user gave.
     *
     * @param options by name without dashes; an option that is missing or null keeps its default
     * @param source the file they come from, for messages
     */
    public void restore(JsonNode options, Path source) {
        for (String name : PLACE) {
            if (!isGiven(name)) {
                restore(name, options, source.toString());
            }
        }
        KEPT.forEach(name -> restore(name, options, source.toString()));
        // In a run that --steps alone limits, --epochs takes their place.
        if (!isGiven("--epochs") || options.hasNonNull("epochs")) {
            LIMITS.stream().filter(name -> !isGiven(name)).forEach(name -> restore(name, options, source.toString()));
        }
    }

    private void restore(String name, JsonNode options, String source) {
        JsonNode value = options.path(name.substring(2));
        if (value.isMissingNode() || value.isNull()) {
            return;
        }
        try {
            OptionSpec option = spec.findOption(name);
            if (value.isContainerNode() || value.asText().isBlank()) {
                throw new IllegalArgumentException("no value");
            }
            option.setValue(convert(option, value.asText()));
        } catch (Exception e) { // Converters may throw any exception.
            throw new FramecastException(source + " has a wrong value for \"" + name.substring(2) + "\": "
                    + Quote.of(value) + ".", e);
        }
    }

    private static Object convert(OptionSpec option, String text) throws Exception {
        Class<?> type = option.type();
        if (option.converters().length > 0) {
            ITypeConverter<?> converter = option.converters()[0];
            return converter.convert(text);
        }
        if (type.isEnum()) {
            for (Object constant : type.getEnumConstants()) {
                if (((Enum<?>) constant).name().equalsIgnoreCase(text)) {
                    return constant;
                }
            }
            throw new IllegalArgumentException(text);
        }
        if (type == String.class) {
            return Path.of(text).toString(); // These options can name files: refuses invalid names.
        }
        return type == Path.class ? Path.of(text) : new JsonMapper().convertValue(text, type);
    }

    /** The names of options whose values differ between two configs. */
    public static List<String> differences(JsonNode one, JsonNode other) {
        List<String> names = new ArrayList<>();
        Stream.of(PLACE, KEPT, LIMITS).flatMap(List::stream).map(name -> name.substring(2)).forEach(name -> {
            if (!orNull(one.path(name)).equals(orNull(other.path(name)))) {
                names.add(name);
            }
        });
        return names;
    }

    private static String orNull(JsonNode value) {
        return value.isMissingNode() ? "null" : value.toString();
    }
}
