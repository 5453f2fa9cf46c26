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

    /** The name of its type in model JSON. */
    String type();

    /** Its settings by their names in model JSON, all of them, in order. */
    Map<String, Object> settings();

    /**
     * The shape of its output frames.
     *
     * @throws FramecastException if it cannot take such an input
     */
    FrameShape outputShape(FrameShape input);

    /** Its parameters for such an input, in the order in which they are initialised and stored. */
    List<ParameterSpec> parameters(FrameShape input);

    /** The layer on a device, with its parameters given by name. */
    Layer build(Backend backend, FrameShape input, Plan plan, Function<String, Weights> parameters);

    /**
     * How many input frames before frame t the output at t reads again in each step of rollout. 0 for a layer that
     * treats each frame by itself, or that carries a state.
     */
    int pastReach();

    /** How many input frames after frame t the output at t depends on. */
    int futureReach();

    /**
     * The floating-point operations of its convolutions in a training step, for one video.
     *
     * @param frames the number of input frames
     * @param inputGradient whether backward computes the gradient of the input
     */
    Flop flop(FrameShape input, int frames, boolean inputGradient);

    /** The layer in a network with so many filters in each of its recurrent layers: other layers return themselves. */
    LayerConfig withFilters(int filters);

    /**
     * The layer in the same network for frames of {@code channels} channels instead of {@code before}.
     *
     * @return empty if the layer does not decide the number of channels of the model's output
     */
    Optional<LayerConfig> withOutputChannels(int before, int channels);

    /** Whether the layer only moves values, so that a sigmoid before it is the same as a sigmoid after it. */
    boolean movesValues();

    /** The layer without the sigmoid at its output; empty if it has none, or if its loss cannot be taken from logits. */
    Optional<LayerConfig> withoutSigmoid();
}
