package io.framecast.nn;

import io.framecast.FramecastException;
import io.framecast.backend.Loss;
import io.framecast.text.Settings;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A sequential model: the shape of its input frames and its layers in order.
 *
 * @param input the shape of an input frame
 * @param layers at most 1,000
 */
public record ModelConfig(FrameShape input, List<LayerConfig> layers) {

    /** The most layers, far more than any real network has: a limit for untrusted files. */
    private static final int MAX_LAYERS = 1000;

    /**
     * Checks that each layer accepts the output of the one before it.
     *
     * @param input the shape of the input frames
     * @param layers the layers in order; copied
     * @throws FramecastException naming the layer, if two layers do not fit; or if there are too many layers, or too
     *     many values in a frame or in the parameters for an array or a checkpoint
     * @throws IllegalArgumentException if a size of the input is below 1
     */
    public ModelConfig {
        Settings.require(input.height() >= 1 && input.width() >= 1 && input.channels() >= 1, "input", input,
                "at least 1x1x1");
        layers = List.copyOf(layers);
        if (layers.size() > MAX_LAYERS) {
            throw new FramecastException("A model of " + layers.size() + " layers is too large; at most " + MAX_LAYERS
                    + " are possible.");
        }
        requireParameters(shapes(input, layers), layers);
    }

    private static void requireParameters(List<FrameShape> shapes, List<LayerConfig> layers) {
        long all = 0;
        for (int k = 0; k < layers.size(); k++) {
            for (ParameterSpec spec : layers.get(k).parameters(shapes.get(k))) {
                long size = 1;
                for (int dimension : spec.shape()) {
                    size = dimension > HostTensor.MAX_SIZE / size ? Integer.MAX_VALUE : size * dimension;
                }
                if (size > HostTensor.MAX_SIZE) {
                    throw new FramecastException("The parameter " + parameterName(k, spec.name()) + " of shape "
                            + Arrays.toString(spec.shape()) + " is too large; choose fewer filters or a smaller "
                            + "kernel.");
                }
                all += size;
            }
        }
        if (all > HostTensor.MAX_SIZE) {
            throw new FramecastException("A model of " + all + " parameters is too large; at most "
                    + HostTensor.MAX_SIZE + " are possible: choose fewer filters, smaller kernels or fewer layers.");
        }
    }

    /**
     * The same layers for frames of another shape.
     *
     * @param other the new shape of input frames
     * @return the new model
     */
    public ModelConfig withInput(FrameShape other) {
        return new ModelConfig(other, layers);
    }

    /**
     * The model with this number of filters in each recurrent layer.
     *
     * @param filters the number of filters
     * @return the new model
     * @throws FramecastException if a later layer cannot take that number of channels
     */
    public ModelConfig withFilters(int filters) {
        return new ModelConfig(input, layers.stream().map(layer -> layer.withFilters(filters)).toList());
    }

    /** The model for frames of another shape. The last layer that sets the number of output channels is adapted. */
    ModelConfig fittedTo(FrameShape frames) {
        List<LayerConfig> changed = new ArrayList<>(layers);
        for (int k = changed.size() - 1; k >= 0; k--) {
            Optional<LayerConfig> fitted = changed.get(k).withOutputChannels(input.channels(), frames.channels());
            if (fitted.isPresent()) {
                changed.set(k, fitted.get());
                break;
            }
        }
        return new ModelConfig(frames, changed);
    }

    /**
     * The shapes of the frames between layers: the input of layer k at k, the output of the last at the end.
     *
     * @return the shapes; one more than there are layers
     */
    public List<FrameShape> shapes() {
        return shapes(input, layers);
    }

    /**
     * The shape of the model's output frames.
     *
     * @return the last of {@link #shapes}
     */
    public FrameShape output() {
        return shapes().get(layers.size());
    }

    private static List<FrameShape> shapes(FrameShape input, List<LayerConfig> layers) {
        List<FrameShape> shapes = new ArrayList<>(List.of(input));
        requireSize(input);
        for (int k = 0; k < layers.size(); k++) {
            try {
                shapes.add(layers.get(k).outputShape(shapes.get(k)));
            } catch (FramecastException e) {
                throw new FramecastException("Layer " + k + " (" + layers.get(k).type() + ") does not fit: "
                        + e.getMessage() + ".", e);
            }
            requireSize(shapes.get(k + 1));
        }
        return shapes;
    }

    private static void requireSize(FrameShape frame) {
        if ((long) frame.height() * frame.width() > HostTensor.MAX_SIZE / frame.channels()) {
            throw new FramecastException("Frames of " + frame + " are too large; choose smaller ones or fewer "
                    + "filters.");
        }
    }

    /**
     * Checks that the model maps frames to frames of the same shape, as next-frame prediction needs.
     *
     * @throws FramecastException if it does not
     */
    public void requireFramesToFrames() {
        if (!output().equals(input)) {
            throw new FramecastException("The model turns frames of " + input + " into frames of " + output()
                    + "; to predict next frames both must be the same.");
        }
    }

    /**
     * All parameters by the names they have in checkpoints, {@code layers.<index>.<parameter>}, in order.
     *
     * @return the specifications by name
     */
    public Map<String, ParameterSpec> parameters() {
        Map<String, ParameterSpec> parameters = new LinkedHashMap<>();
        List<FrameShape> shapes = shapes();
        for (int k = 0; k < layers.size(); k++) {
            for (ParameterSpec spec : layers.get(k).parameters(shapes.get(k))) {
                parameters.put(parameterName(k, spec.name()), spec);
            }
        }
        return parameters;
    }

    /**
     * The number of values of all parameters.
     *
     * @return the count, including moving averages
     */
    public long parameterCount() {
        return parameters().values().stream().mapToLong(ParameterSpec::size).sum();
    }

    /**
     * The index of the first layer with parameters, where backward ends; the number of layers if no layer has
     * parameters.
     */
    int firstTrained() {
        List<FrameShape> shapes = shapes();
        int first = 0;
        while (first < layers.size() && layers.get(first).parameters(shapes.get(first)).isEmpty()) {
            first++;
        }
        return first;
    }

    static String parameterName(int layer, String parameter) {
        return "layers." + layer + "." + parameter;
    }

    /**
     * How many input frames after frame t the model's output at t depends on.
     *
     * @return frames; 0 for a causal model
     */
    public int futureReach() {
        return layers.stream().mapToInt(LayerConfig::futureReach).sum();
    }

    /** The most frames that a step of rollout passes between layers: the new frame, and the reach of the layers. */
    int stepFrames() {
        return 1 + layers.stream().mapToInt(layer -> layer.pastReach() + layer.futureReach()).sum();
    }

    /** The index of the layer whose sigmoid gives the output (later layers only move values); -1 if there is none. */
    private int sigmoidLayer() {
        int last = layers.size() - 1;
        while (last >= 0 && layers.get(last).movesValues()) {
            last--;
        }
        return last >= 0 && layers.get(last).withoutSigmoid().isPresent() ? last : -1;
    }

    /**
     * The loss to compute for this model: binary cross-entropy is computed from the logits if the model ends in a
     * sigmoid.
     *
     * @param loss the loss to minimise
     * @return the loss to create the op with
     */
    public Loss computedAs(Loss loss) {
        return loss == Loss.BINARY_CROSSENTROPY && sigmoidLayer() >= 0 ? Loss.BINARY_CROSSENTROPY_FROM_LOGITS : loss;
    }

    /** The same model without its final sigmoid, for training on logits. */
    ModelConfig withoutSigmoid() {
        int index = sigmoidLayer();
        List<LayerConfig> changed = new ArrayList<>(layers);
        changed.set(index, layers.get(index).withoutSigmoid().orElseThrow());
        return new ModelConfig(input, changed);
    }
}
