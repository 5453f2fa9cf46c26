package io.framecast.nn;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.framecast.FramecastException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Loads models: named presets and model JSON files. */
public final class Models {

    /** The presets, resources of this package in model JSON. */
    public static final List<String> PRESETS = List.of("keras", "small", "motion", "motion-large");

    /** The largest factor tried by which frame sizes may have to be divisible. */
    private static final int LARGEST_MULTIPLE = 64;

    private Models() {
    }

    /**
     * Loads a model for frames of the given shape. A preset is adapted to the shape; a file contains its own shape,
     * which is kept.
     *
     * @param name a preset or the path of a file of model JSON
     * @param frames the shape of the frames
     * @return the model
     * @throws FramecastException if it is neither a preset nor a file of model JSON, or the preset cannot take such
     *         frames
     */
    public static ModelConfig load(String name, FrameShape frames) {
        ModelConfig model = load(name);
        if (!PRESETS.contains(name)) {
            return model;
        }
        try {
            return model.fittedTo(frames);
        } catch (FramecastException e) {
            throw new FramecastException(e.getMessage().replaceFirst("\\.$", "") + remedy(name, frames), e);
        }
    }

    /** A sentence for a message: which presets accept these frames, and the nearest sizes that this preset accepts. */
    private static String remedy(String name, FrameShape frames) {
        List<String> fitting = PRESETS.stream().filter(other -> takes(other, frames)).toList();
        String others = fitting.isEmpty() ? "" : fitting.size() == 1 ? "the model " + fitting.get(0) + " takes"
                : "the models " + String.join(", ", fitting.subList(0, fitting.size() - 1)) + " and "
                        + fitting.get(fitting.size() - 1) + " take";
        int multiple = 1;
        while (multiple <= LARGEST_MULTIPLE && !takes(name, new FrameShape(multiple, multiple, frames.channels()))) {
            multiple++;
        }
        if (multiple > LARGEST_MULTIPLE) {
            return others.isEmpty() ? "." : "; " + others + " such frames.";
        }
        int croppedHeight = frames.height() / multiple * multiple;
        int croppedWidth = frames.width() / multiple * multiple;
        return "; " + (others.isEmpty() ? "" : others + " such frames, and ") + name + " takes them "
                + (croppedHeight == 0 || croppedWidth == 0 ? ""
                        : "cropped to " + croppedHeight + "x" + croppedWidth + " or ")
                + "padded to " + multipleAbove(frames.height(), multiple) + "x"
                + multipleAbove(frames.width(), multiple) + ".";
    }

    private static int multipleAbove(int size, int multiple) {
        return (size + multiple - 1) / multiple * multiple;
    }

    private static boolean takes(String preset, FrameShape frames) {
        try {
            preset(preset).fittedTo(frames);
            return true;
        } catch (FramecastException e) {
            return false;
        }
    }

    /**
     * Loads a model.
     *
     * @param name a preset or a file of model JSON
     * @return the model
     * @throws FramecastException if it is neither
     */
    public static ModelConfig load(String name) {
        if (PRESETS.contains(name)) {
            return preset(name);
        }
        Path file = Path.of(name);
        if (!Files.isRegularFile(file)) {
            throw new FramecastException("There is no model \"" + name + "\"; give one of " + String.join(", ", PRESETS)
                    + " or a file of model JSON.");
        }
        try {
            if (Files.size(file) > 4L * ModelJson.MAX_TEXT) { // In UTF-8 a character has up to 4 bytes.
                throw new FramecastException("The model in " + name + " is wrong: the file has " + Files.size(file)
                        + " bytes, more than a model needs.");
            }
            return ModelJson.parse(Files.readString(file), name);
        } catch (IOException e) {
            throw new FramecastException("Cannot read the model in " + name + ": it is not readable UTF-8 text.", e);
        }
    }

    /**
     * The options with which a preset is trained best, where they differ from the defaults: numbers, strings and true
     * or false, by the names that {@code framecast train} gives them. Those of the training itself are also in
     * {@link io.framecast.train.TrainingSettings#builder(String)}; {@code fresh} is of the videos, and says that new
     * ones are generated for each epoch.
     *
     * @param name the name or file of a model
     * @return the options by name; none for a preset that is trained with the defaults, and for a file
     */
    public static Map<String, Object> recipe(String name) {
        if (!PRESETS.contains(name)) {
            return Map.of();
        }
        try (InputStream in = Models.class.getResourceAsStream(name + ".recipe.json")) {
            return in == null ? Map.of() : Collections.unmodifiableMap(new JsonMapper().readValue(in,
                    new TypeReference<LinkedHashMap<String, Object>>() { }));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static ModelConfig preset(String name) {
        try (InputStream in = Models.class.getResourceAsStream(name + ".json")) {
            return ModelJson.parse(new String(in.readAllBytes(), StandardCharsets.UTF_8), name);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
