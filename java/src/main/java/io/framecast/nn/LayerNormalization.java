package io.framecast.nn;

import io.framecast.backend.Backend;
import io.framecast.backend.LayerNormSpec;
import io.framecast.backend.Plan;
import io.framecast.backend.Weights;
import io.framecast.text.Settings;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/**
 * Keras's LayerNormalization over the channels of each pixel (Ba, Kiros and Hinton 2016).
 *
 * @param epsilon is added to the variance
 */
public record LayerNormalization(double epsilon) implements OneInputConfig, FilterlessConfig {

    /**
     * Checks the setting.
     *
     * @param epsilon above 0, up to 1
     * @throws IllegalArgumentException if it is out of its range
     */
    public LayerNormalization {
        Settings.require(epsilon > 0 && epsilon <= 1, "epsilon", epsilon, "above 0, up to 1");
    }

    @Override
    public String type() {
        return "LayerNormalization";
    }

    @Override
    public Map<String, Object> settings() {
        return Map.of("epsilon", epsilon);
    }

    @Override
    public FrameShape outputShape(FrameShape input) {
        return input;
    }

    @Override
    public List<ParameterSpec> parameters(FrameShape input) {
        int[] shape = {input.channels()};
        return List.of(new ParameterSpec("gamma", shape, true, Initializer.ONES, 0),
                new ParameterSpec("beta", shape, true, Initializer.ZEROS, 0));
    }

    @Override
    public Layer build(Backend backend, FrameShape input, Plan plan, Function<String, Weights> parameters) {
        return new OpLayer(backend.layerNorm(
                new LayerNormSpec(input.height(), input.width(), input.channels(), epsilon), plan,
                parameters.apply("gamma"), parameters.apply("beta")));
    }
}
