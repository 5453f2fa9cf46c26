package io.framecast.tools;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.framecast.FramecastException;
import io.framecast.files.JsonFiles;
import io.framecast.nn.FrameShape;
import io.framecast.nn.ModelConfig;
import io.framecast.nn.ModelJson;
import io.framecast.nn.Models;
import io.framecast.text.Quote;
import io.framecast.tools.option.Options;
import io.framecast.tools.option.RunOptions;
import io.framecast.train.TrainingSettings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import picocli.CommandLine.ParameterException;

/**
 * A model and a recipe to compare with others.
 *
 * @param name names its files, too
 * @param model a text, as for {@code --model}, or the object of model JSON
 * @param options of {@code framecast train}, by their names without dashes: those given, and those of the preset's
 *     recipe
 * @param train the options' values
 */
record TuneVariant(String name, JsonNode model, Map<String, JsonNode> options, TrainCommand train) {

    private static final JsonMapper MAPPER = JsonMapper.builder()
            .enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS).build();
    /** Cost does not depend on the learning rate. With this one, no trial diverges. */
    private static final double TRIAL_LEARNING_RATE = 1e-9;
    static final String TABLE = "table";

    /**
     * Reads a list of variants: {@code [{"name": "wide", "model": "wide.json", "lr": 0.003}, ...]}.
     *
     * @param seed of all of them
     * @throws FramecastException if the file is no such list, or an option is unknown or wrong
     */
    static List<TuneVariant> read(Path file, long seed) {
        try {
            JsonNode list = MAPPER.readTree(Files.readString(file));
            require(list.isArray() && !list.isEmpty(), file, "it must be a JSON list of variants");
            List<TuneVariant> variants = new ArrayList<>();
            Set<String> names = new HashSet<>();
            for (JsonNode node : list) {
                TuneVariant variant = of(node, file, seed);
                require(names.add(variant.name), file, "two of its variants have the name \"" + variant.name + "\"");
                variants.add(variant);
            }
            return variants;
        } catch (JsonProcessingException e) {
            throw new FramecastException("The variants in " + file + " cannot be read: " + JsonFiles.fault(e) + ".", e);
        } catch (IOException e) {
            throw new FramecastException("Cannot read the variants in " + file
                    + ": there is no such file of UTF-8 text.", e);
        }
    }

    private static TuneVariant of(JsonNode node, Path file, long seed) {
        String name = node.path("name").asText("");
        require(name.matches("\\w[\\w.-]{0,59}") && !name.equals(TABLE), file, "each variant must have a \"name\" of "
                + "at most 60 letters, digits, dots, dashes and underscores, other than \"" + TABLE + "\", but one has "
                + (node.has("name") ? Quote.of(node.path("name")) : "no name"));
        JsonNode model = node.path("model");
        require(model.isTextual() || model.isObject(), file, "the variant \"" + name + "\" must have a \"model\": the "
                + "name of one, a file, or an object of model JSON");
        Map<String, JsonNode> options = new LinkedHashMap<>();
        Models.recipe(model.asText()).forEach((key, value) -> {
            if (RunOptions.RECIPE.contains("--" + key)) { // Not of the videos, which are the same for all variants.
                options.put(key, MAPPER.valueToTree(value));
            }
        });
        node.fields().forEachRemaining(field -> {
            String option = "--" + field.getKey();
            if (!Set.of("--name", "--model").contains(option)) {
                require(RunOptions.RECIPE.contains(option), file, "the variant \"" + name + "\" has \""
                        + Quote.of(field.getKey()) + "\", which is none of name, model, "
                        + String.join(", ", RunOptions.RECIPE).replace("--", ""));
                options.put(field.getKey(), field.getValue());
            }
        });
        List<String> arguments = new ArrayList<>();
        options.forEach((option, value) -> arguments.addAll(List.of("--" + option, value.asText())));
        TrainCommand train = new TrainCommand();
        try {
            Main.line(train).parseArgs(arguments.toArray(String[]::new));
            train.check();
        } catch (ParameterException | Options.UsageException e) {
            throw new FramecastException("The variant \"" + name + "\" in " + file + " has a wrong option: "
                    + (e instanceof ParameterException wrong ? Options.inUserWords(wrong) : e.getMessage()), e);
        }
        train.seed = seed;
        return new TuneVariant(name, model, options, train);
    }

    private static void require(boolean holds, Path file, String fault) {
        if (!holds) {
            throw new FramecastException("The variants in " + file + " are wrong: " + fault + ".");
        }
    }

    /** @throws FramecastException if there is no such model, or it is wrong */
    ModelConfig load(FrameShape frames) {
        return model.isTextual() ? Models.load(model.asText(), frames)
                : ModelJson.parse(model.toString(), "the variant \"" + name + "\"");
    }

    void requireContextBelow(int frames) {
        if (train.context != null && train.context >= frames) {
            throw new FramecastException("The context of the variant \"" + name + "\" must be below the " + frames
                    + " frames of the videos, not " + train.context + ".");
        }
    }

    TrainingSettings training(long steps) {
        return train.settings(null, steps);
    }

    TrainingSettings trial(long steps) {
        double rate = train.learningRate;
        train.learningRate = TRIAL_LEARNING_RATE;
        try {
            return train.settings(null, steps);
        } finally {
            train.learningRate = rate;
        }
    }
}
