package io.framecast.nn;

import java.util.List;
import java.util.Optional;

/**
 * The configuration of a layer without filters of its own: it has no convolution, reads no other frames than the
 * newest except by a carried state, and its channels follow from those of its inputs.
 */
public sealed interface FilterlessConfig extends LayerConfig permits ActivationLayer, Add, AveragePooling3D,
        BatchNormalization, BlockMatching2D, Concatenate, DepthToSpace, LayerNormalization, LayeredAdvection2D,
        LeakyReLU, MaxPooling3D, Rescaling, SpaceToDepth, UpSampling3D {

    @Override
    default int pastReach() {
        return 0;
    }

    @Override
    default int futureReach() {
        return 0;
    }

    /** None: filters that are data, and differences of frames, are few operations beside a network's convolutions. */
    @Override
    default Flop flop(List<FrameShape> inputs, int frames, List<Boolean> inputGradients) {
        return Flop.NONE;
    }

    @Override
    default LayerConfig withFilters(int filters) {
        return this;
    }

    @Override
    default Optional<LayerConfig> withOutputChannels(int before, int channels) {
        return Optional.empty();
    }

    @Override
    default boolean movesValues() {
        return false;
    }

    @Override
    default Optional<LayerConfig> withoutSigmoid() {
        return Optional.empty();
    }
}
