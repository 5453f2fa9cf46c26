package io.framecast.nn;

import io.framecast.FramecastException;
import io.framecast.backend.Backend;
import io.framecast.backend.Plan;
import io.framecast.backend.Weights;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/** One layer of a model: what it is, not how it is computed. */
public sealed interface LayerConfig permits ConvLstm2D, BatchNormalization, Conv3D, SpaceToDepth, DepthToSpace {

    /**
     * The name of its type in model JSON.
     *
     * @return the name, as Keras has it where Keras has the layer
     */
    String type();

    /**
     * Its settings by their names in model JSON, all of them, in order.
     *
     * @return values that a JSON writer takes: numbers, strings, arrays of int
     */
    Map<String, Object> settings();

    /**
     * The shape of its output frames.
     *
     * @param input the shape of the input frames
     * @return the shape of the output frames
     * @throws FramecastException if it cannot take such an input
     */
    FrameShape outputShape(FrameShape input);

    /**
     * Its parameters for such an input, in the order in which they are initialised and stored.
     *
     * @param input the shape of the input frames
     * @return the parameters; empty if the layer has none
     */
    List<ParameterSpec> parameters(FrameShape input);

    /**
     * The layer on a device, with its parameters given by name.
     *
     * @param backend the device
     * @param input the shape of the input frames
     * @param plan the largest sizes, and what backward must do
     * @param parameters gives each parameter of {@link #parameters} by its name
     * @return the layer, for the caller to close
     */
    Layer build(Backend backend, FrameShape input, Plan plan, Function<String, Weights> parameters);

    /**
     * How many input frames before frame t the output at t reads again in each step of rollout. 0 for a layer that
     * treats each frame by itself, or that carries a state.
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
     * The floating-point operations of its convolutions in a training step, for one video.
     *
     * @param input the shape of the input frames
     * @param frames the number of input frames
     * @param inputGradient whether backward computes the gradient of the input
     * @return the operations of all frames; {@link Flop#NONE} for a layer without convolutions
     */
    Flop flop(FrameShape input, int frames, boolean inputGradient);

    /**
     * The layer in a network with so many filters in each of its recurrent layers: other layers return themselves.
     *
     * @param filters the number of filters
     * @return the changed layer, or this one
     */
    LayerConfig withFilters(int filters);

    /**
     * The layer in the same network for frames of {@code channels} channels instead of {@code before}.
     *
     * @param before the channels of the frames that this layer was made for
     * @param channels the channels of the new frames
     * @return empty if the layer does not decide the number of channels of the model's output
     */
    Optional<LayerConfig> withOutputChannels(int before, int channels);

    /**
     * Whether the layer only moves values, so that a sigmoid before it is the same as a sigmoid after it.
     *
     * @return true only if each output value is one of the input values
     */
    boolean movesValues();

    /**
     * The layer without the sigmoid at its output; empty if it has none, or if its loss cannot be taken from logits.
     *
     * @return the layer that returns the logits
     */
    Optional<LayerConfig> withoutSigmoid();
}
