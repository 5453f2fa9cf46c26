package io.framecast.train;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.MapperFeature;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.framecast.FramecastException;
import io.framecast.data.Videos;
import io.framecast.files.JsonFiles;
import io.framecast.nn.FrameShape;
import io.framecast.nn.HostTensor;
import io.framecast.nn.ModelConfig;
import io.framecast.nn.ModelJson;
import io.framecast.nn.ParameterSpec;
import io.framecast.nn.Parameters;
import io.framecast.text.Quote;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A model with its parameters. As a file it is one safetensors file: F32 tensors named
 * {@code layers.<index>.<parameter>}, with Keras's names and layouts, and the model as JSON under the metadata key
 * {@code framecast.model}.
 *
 * @param model the layers and the shape of the frames
 * @param parameters by name, exactly those that {@link ModelConfig#parameters} lists
 * @param training the state of the training run, to resume it from here; null if there is none
 */
public record Checkpoint(ModelConfig model, Map<String, HostTensor> parameters, Training training) {

    /**
     * The state of a training run. In the file: tensors {@code optimizer.m.<name>}, {@code optimizer.v.<name>} and, if
     * the run averages its weights, {@code optimizer.weights.<name>}, and the progress under the metadata key
     * {@code framecast.training}.
     *
     * @param m the optimiser's moving averages of the gradients, by parameter
     * @param v its moving averages of the gradients' squares, by parameter; Muon has none for kernels
     * @param weights if the run averages its weights, the last weights, which the optimiser changes: the parameters of
     *     the checkpoint are the averages then; else null
     * @param progress the progress of the run
     * @param run the description of the run given to {@link RunDirectory#describe}, in the file under the key
     *     {@code run} next to the progress; null if the checkpoint has none, as in version 0.1.0
     */
    public record Training(Map<String, HostTensor> m, Map<String, HostTensor> v, Map<String, HostTensor> weights,
            Progress progress, ObjectNode run) {
    }

    /** The trained models that come with the program, resources of this package. */
    public static final List<String> PRETRAINED = List.of("moving-mnist");

    private static final String MODEL = "framecast.model";
    private static final String TRAINING = "framecast.training";
    private static final String RUN = "run";
    private static final String M = "optimizer.m.";
    private static final String V = "optimizer.v.";
    private static final String WEIGHTS = "optimizer.weights.";
    private static final JsonMapper MAPPER = JsonMapper.builder()
            .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
            .enable(DeserializationFeature.FAIL_ON_MISSING_CREATOR_PROPERTIES)
            .enable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES)
            .enable(MapperFeature.SORT_CREATOR_PROPERTIES_FIRST)
            .build();

    /**
     * A model with its initial values. The same seed gives the same values on every machine.
     *
     * @param model the layers and the shape of the frames
     * @param seed of the random values
     * @return a checkpoint to start a training from
     * @throws FramecastException if the parameters do not fit into the Java heap
     */
    public static Checkpoint initial(ModelConfig model, long seed) {
        return new Checkpoint(model, Parameters.initial(model, seed), null);
    }

    /**
     * A trained model that comes with the program. See the README for its training and its scores.
     *
     * @param name one of {@link #PRETRAINED}
     * @return the model with its trained parameters
     * @throws FramecastException if there is no such model
     */
    public static Checkpoint pretrained(String name) {
        if (!PRETRAINED.contains(name)) {
            throw new FramecastException("There is no trained model \"" + name + "\"; there is "
                    + String.join(", ", PRETRAINED) + ".");
        }
        try (InputStream in = Checkpoint.class.getResourceAsStream(name + ".safetensors")) {
            byte[] bytes = in.readAllBytes();
            return read(Path.of(name), SafeTensors.read(new ByteArrayInputStream(bytes), bytes.length, Path.of(name)));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** {@return the model and its parameters without the state of a run: training from it starts a new run} */
    public Checkpoint withoutTraining() {
        return new Checkpoint(model, parameters, null);
    }

    /**
     * Checks that the frames have the shape of the model's input.
     *
     * @param videos any number of them
     * @throws IllegalArgumentException if they have not; the message has both shapes
     */
    public void requireFrames(Videos videos) {
        FrameShape frames = new FrameShape(videos.height(), videos.width(), videos.channels());
        if (!frames.equals(model.input())) {
            throw new IllegalArgumentException("the videos have frames of " + frames
                    + ", but the model takes frames of " + model.input());
        }
    }

    /** The same checkpoint with {@code run} as the description of its run. */
    Checkpoint describedBy(ObjectNode run) {
        return training == null ? this : new Checkpoint(model, parameters,
                new Training(training.m, training.v, training.weights, training.progress, run));
    }

    /**
     * Writes one safetensors file atomically; an existing file is replaced.
     *
     * @param file the file to write
     * @throws FramecastException if it cannot be written
     */
    public void write(Path file) {
        Map<String, String> metadata = new LinkedHashMap<>();
        metadata.put(MODEL, ModelJson.write(model));
        Map<String, HostTensor> tensors = new LinkedHashMap<>(parameters);
        if (training != null) {
            ObjectNode state = MAPPER.valueToTree(training.progress);
            if (training.run != null) {
                state.set(RUN, training.run);
            }
            metadata.put(TRAINING, state.toString());
            training.m.forEach((name, tensor) -> tensors.put(M + name, tensor));
            training.v.forEach((name, tensor) -> tensors.put(V + name, tensor));
            if (training.weights != null) {
                training.weights.forEach((name, tensor) -> tensors.put(WEIGHTS + name, tensor));
            }
        }
        new SafeTensors(metadata, tensors).write(file);
    }

    /**
     * Reads a checkpoint.
     *
     * @param file a safetensors file
     * @return its content
     * @throws FramecastException if the file is not a complete checkpoint: it is no safetensors file, has no model, or
     *     a parameter is missing, of the wrong shape, unknown to the model, or not finite
     */
    public static Checkpoint read(Path file) {
        return read(file, SafeTensors.read(file));
    }

    private static Checkpoint read(Path file, SafeTensors contents) {
        String json = contents.metadata().get(MODEL);
        if (json == null) {
            throw new FramecastException("The checkpoint " + file + " has no \"" + MODEL
                    + "\" in its metadata, so it was not made by Framecast.");
        }
        ModelConfig model = ModelJson.parse(json, file + " (" + MODEL + ")");
        Map<String, HostTensor> left = new LinkedHashMap<>(contents.tensors());
        Map<String, HostTensor> parameters = new LinkedHashMap<>();
        Map<String, HostTensor> m = new LinkedHashMap<>();
        Map<String, HostTensor> v = new LinkedHashMap<>();
        Map<String, HostTensor> weights = new LinkedHashMap<>();
        String training = contents.metadata().get(TRAINING);
        boolean averages = training != null && left.keySet().stream().anyMatch(name -> name.startsWith(WEIGHTS));
        model.parameters().forEach((name, spec) -> {
            parameters.put(name, take(file, left, name, spec));
            if (training != null && spec.trainable()) {
                m.put(name, take(file, left, M + name, spec));
                if (spec.matrices() == 0 || left.containsKey(V + name)) {
                    v.put(name, take(file, left, V + name, spec));
                }
            }
            if (averages) {
                weights.put(name, take(file, left, WEIGHTS + name, spec));
            }
        });
        if (!left.isEmpty()) {
            throw new FramecastException("The checkpoint " + file + " holds a tensor \""
                    + Quote.of(left.keySet().iterator().next()) + "\" that its model does not have.");
        }
        return new Checkpoint(model, parameters, training == null ? null
                : training(file, training, m, v, averages ? weights : null));
    }

    private static HostTensor take(Path file, Map<String, HostTensor> left, String name, ParameterSpec spec) {
        HostTensor tensor = left.remove(name);
        if (tensor == null) {
            throw new FramecastException("The checkpoint " + file + " has no tensor \"" + name + "\".");
        }
        if (!Arrays.equals(tensor.shape(), spec.shape())) {
            throw new FramecastException("The tensor \"" + name + "\" in the checkpoint " + file + " has the shape "
                    + Quote.of(Arrays.toString(tensor.shape())) + "; its model asks for "
                    + Arrays.toString(spec.shape()) + ".");
        }
        if (!isFinite(tensor)) {
            throw new FramecastException("The tensor \"" + name + "\" in the checkpoint " + file
                    + " holds NaN or infinite values.");
        }
        return tensor;
    }

    static boolean isFinite(HostTensor tensor) {
        for (float value : tensor.values()) {
            if (!Float.isFinite(value)) {
                return false;
            }
        }
        return true;
    }

    private static Training training(Path file, String json, Map<String, HostTensor> m, Map<String, HostTensor> v,
            Map<String, HostTensor> weights) {
        try {
            if (!(MAPPER.readTree(json) instanceof ObjectNode state)) {
                throw new IllegalArgumentException("it is not a JSON object");
            }
            JsonNode run = state.remove(RUN);
            if (run != null && !run.isObject()) {
                throw new IllegalArgumentException("its \"" + RUN + "\" is not a JSON object");
            }
            return new Training(m, v, weights, MAPPER.treeToValue(state, Progress.class), (ObjectNode) run);
        } catch (JsonProcessingException e) {
            throw wrongState(file, JsonFiles.fault(e), e);
        } catch (IllegalArgumentException e) {
            throw wrongState(file, Quote.of(e.getMessage()), e);
        }
    }

    private static FramecastException wrongState(Path file, String fault, Exception e) {
        return new FramecastException("The training state in the checkpoint " + file + " cannot be read: " + fault
                + ".", e);
    }
}
