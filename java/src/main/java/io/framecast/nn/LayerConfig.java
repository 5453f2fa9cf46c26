package io.framecast.nn;

import io.framecast.FramecastException;
import io.framecast.backend.Backend;
import io.framecast.backend.Plan;
import io.framecast.backend.Weights;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/**
 * The configuration of one layer of a model. {@link OneInputConfig} is for layers of one input, {@link
 * FilterlessConfig} for those without filters; a layer may be both.
 */
public sealed interface LayerConfig permits OneInputConfig, FilterlessConfig {

    /**
     * The name of the layer type in model JSON.
     *
     * @return Keras's name, if Keras has the layer
     */
    String type();

    /**
     * All settings, by their names in model JSON, in order.
     *
     * @return numbers, strings and arrays of int, by name
     */
    Map<String, Object> settings();

    /**
     * The shape of the output frames.
     *
     * @param inputs the shape of the frames of each input
     * @return the shape of the output frames
     * @throws FramecastException if the layer cannot take such inputs, or not so many
     */
    FrameShape outputShape(List<FrameShape> inputs);

    /**
     * The parameters for these inputs, in the order in which they are initialised and stored.
     *
     * @param inputs the shape of the frames of each input
     * @return the parameters; empty if the layer has none
     */
    List<ParameterSpec> parameters(List<FrameShape> inputs);

    /**
     * Creates the layer on a device, with its parameters given by name.
     *
     * @param backend the device
     * @param inputs the shape of the frames of each input
     * @param plan the maximal sizes, and what backward must compute
     * @param parameters returns each parameter of {@link #parameters} by name
     * @return the layer, for the caller to close
     */
    Layer build(Backend backend, List<FrameShape> inputs, Plan plan, Function<String, Weights> parameters);

    /**
     * How many input frames before frame t are read again in each step of rollout to compute the output at t. 0 for a
     * layer that treats each frame separately, or that carries a state.
     *
     * @return frames
     */
    int pastReach();

    /**
     * How many input frames after frame t the output at t depends on.
     *
     * @return frames
     */
    int futureReach();

    /**
     * The floating-point operations of the layer's convolutions in a training step, for one video.
     *
     * @param inputs the shape of the frames of each input
     * @param frames the number of input frames
     * @param inputGradients for each input, whether backward computes its gradient
     * @return the operations of all frames; {@link Flop#NONE} for a layer without convolutions
     */
    Flop flop(List<FrameShape> inputs, int frames, List<Boolean> inputGradients);

    /**
     * The layer with another number of filters, if it is recurrent; other layers return themselves.
     *
     * @param filters the number of filters
     * @return the changed layer, or this one
     */
    LayerConfig withFilters(int filters);

    /**
     * The layer adapted from a model for frames of {@code before} channels to one of {@code channels} channels.
     *
     * @param before the channels of the frames of this model
     * @param channels the channels of the frames of the new model
     * @return empty if a layer of this type does not set the number of output channels
     */
    Optional<LayerConfig> withOutputChannels(int before, int channels);

    /**
     * Whether an input must have as many times more channels as the output is to have. If this layer does not set the
     * number of its output channels, the layers before such an input are adapted.
     *
     * @param input the index of the input
     * @return false for an input whose channels are something else than those of the output, such as filters
     */
    boolean sharesChannels(int input);

    /**
     * Whether backward can compute the gradients of the inputs. All layers before one that cannot must be without
     * parameters.
     *
     * @return true for most layers
     */
    default boolean givesInputGradients() {
        return true;
    }

    /**
     * Whether the layer's input may be rounded to the type of convolutions' operands: it convolves it, and so rounds it
     * anyway, or normalises it.
     *
     * @return true for convolutions and batch normalisation
     */
    default boolean takesOperands() {
        return false;
    }

    /**
     * Whether the layer has one input and only moves its values. A sigmoid before such a layer gives the same result as
     * one after it.
     *
     * @return true only if each output value is one of the input values
     */
    boolean movesValues();

    /**
     * The layer without the sigmoid at its output; empty if it has none, or if the loss cannot be computed from its
     * logits.
     *
     * @return the layer that returns the logits
     */
    Optional<LayerConfig> withoutSigmoid();
}
