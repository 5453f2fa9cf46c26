package io.framecast.nn;

import io.framecast.FramecastException;
import io.framecast.backend.Backend;
import io.framecast.backend.Plan;
import io.framecast.backend.Weights;
import java.util.List;
import java.util.function.Function;

/** The configuration of a layer that takes one input. */
public sealed interface OneInputConfig extends LayerConfig permits ActivationLayer, AveragePooling3D,
        BatchNormalization, BlockMatching2D, Conv3D, Conv3DTranspose, ConvLstm2D, DepthToSpace, LayerNormalization,
        LeakyReLU, MaxPooling3D, Rescaling, SpaceToDepth, UpSampling3D {

    /**
     * The shape of the output frames.
     *
     * @param input the shape of the input frames
     * @return the shape of the output frames
     * @throws FramecastException if the layer cannot take such an input
     */
    FrameShape outputShape(FrameShape input);

    /**
     * The parameters for this input shape, in the order in which they are initialised and stored.
     *
     * @param input the shape of the input frames
     * @return the parameters; empty if the layer has none
     */
    List<ParameterSpec> parameters(FrameShape input);

    /**
     * Creates the layer on a device, with its parameters given by name.
     *
     * @param backend the device
     * @param input the shape of the input frames
     * @param plan the maximal sizes, and what backward must compute
     * @param parameters returns each parameter of {@link #parameters(FrameShape)} by name
     * @return the layer, for the caller to close
     */
    Layer build(Backend backend, FrameShape input, Plan plan, Function<String, Weights> parameters);

    @Override
    default FrameShape outputShape(List<FrameShape> inputs) {
        if (inputs.size() != 1) {
            throw new FramecastException("it takes one input, not " + inputs.size());
        }
        return outputShape(inputs.get(0));
    }

    @Override
    default List<ParameterSpec> parameters(List<FrameShape> inputs) {
        return parameters(inputs.get(0));
    }

    @Override
    default Layer build(Backend backend, List<FrameShape> inputs, Plan plan, Function<String, Weights> parameters) {
        return build(backend, inputs.get(0), plan, parameters);
    }

    @Override
    default boolean sharesChannels(int input) {
        return true;
    }
}
