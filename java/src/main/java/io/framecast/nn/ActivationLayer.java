package io.framecast.nn;

import io.framecast.backend.Backend;
import io.framecast.backend.Elementwise;
import io.framecast.backend.ElementwiseSpec;
import io.framecast.backend.Plan;
import io.framecast.backend.Weights;
import io.framecast.text.Settings;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/**
 * Keras's Activation: a function of each value.
 *
 * @param function one that has a name in Keras
 */
public record ActivationLayer(Elementwise function) implements OneInputConfig, FilterlessConfig {

    /**
     * Checks the setting.
     *
     * @param function not {@link Elementwise#LEAKY_RELU} or {@link Elementwise#RESCALING}, which are layers of their
     *     own
     * @throws IllegalArgumentException if it is null or one of these
     */
    public ActivationLayer {
        Settings.require(function != null && function.isActivation(), "function", function,
                "an activation without parameters");
    }

    @Override
    public String type() {
        return "Activation";
    }

    @Override
    public Map<String, Object> settings() {
        return Map.of("activation", function.keras());
    }

    @Override
    public FrameShape outputShape(FrameShape input) {
        return input;
    }

    @Override
    public List<ParameterSpec> parameters(FrameShape input) {
        return List.of();
    }

    @Override
    public boolean movesValues() {
        return function == Elementwise.LINEAR;
    }

    @Override
    public Optional<LayerConfig> withoutSigmoid() {
        return function != Elementwise.SIGMOID ? Optional.empty()
                : Optional.of(new ActivationLayer(Elementwise.LINEAR));
    }

    @Override
    public Layer build(Backend backend, FrameShape input, Plan plan, Function<String, Weights> parameters) {
        return new OpLayer(backend.elementwise(
                new ElementwiseSpec(input.height(), input.width(), input.channels(), function, 0, 0), plan));
    }
}
