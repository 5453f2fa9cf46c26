package io.framecast.nn;

import io.framecast.backend.Backend;
import io.framecast.backend.Elementwise;
import io.framecast.backend.ElementwiseSpec;
import io.framecast.backend.Plan;
import io.framecast.backend.Weights;
import io.framecast.text.Settings;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/**
 * Keras's LeakyReLU: values, those below 0 multiplied by a slope.
 *
 * @param negativeSlope of values below 0
 */
public record LeakyReLU(double negativeSlope) implements OneInputConfig, FilterlessConfig {

    /**
     * Checks the setting.
     *
     * @param negativeSlope at least 0, finite in float32
     * @throws IllegalArgumentException if it is out of its range
     */
    public LeakyReLU {
        Settings.require(negativeSlope >= 0 && negativeSlope <= Float.MAX_VALUE, "negativeSlope", negativeSlope,
                "a number from 0");
    }

    @Override
    public String type() {
        return "LeakyReLU";
    }

    @Override
    public Map<String, Object> settings() {
        return Map.of("negative_slope", negativeSlope);
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
    public Layer build(Backend backend, FrameShape input, Plan plan, Function<String, Weights> parameters) {
        return new OpLayer(backend.elementwise(new ElementwiseSpec(input.height(), input.width(), input.channels(),
                Elementwise.LEAKY_RELU, (float) negativeSlope, 0), plan));
    }
}
