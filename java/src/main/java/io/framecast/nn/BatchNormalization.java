package io.framecast.nn;

import io.framecast.backend.Backend;
import io.framecast.backend.BatchNormSpec;
import io.framecast.backend.Plan;
import io.framecast.backend.Weights;
import io.framecast.text.Settings;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/**
 * Keras's BatchNormalization over the channels axis (Ioffe and Szegedy 2015).
 *
 * @param epsilon is added to the variance
 * @param momentum weight of the old value in a moving average
 */
public record BatchNormalization(double epsilon, double momentum) implements OneInputConfig, FilterlessConfig {

    /**
     * Checks the settings.
     *
     * @param epsilon from 0 to 1
     * @param momentum from 0 to 1
     * @throws IllegalArgumentException if one is out of its range
     */
    public BatchNormalization {
        Settings.require(epsilon >= 0 && epsilon <= 1, "epsilon", epsilon, "from 0 to 1");
        Settings.require(momentum >= 0 && momentum <= 1, "momentum", momentum, "from 0 to 1");
    }

    @Override
    public String type() {
        return "BatchNormalization";
    }

    @Override
    public Map<String, Object> settings() {
        Map<String, Object> settings = new LinkedHashMap<>();
        settings.put("epsilon", epsilon);
        settings.put("momentum", momentum);
        return settings;
    }

    @Override
    public FrameShape outputShape(FrameShape input) {
        return input;
    }

    @Override
    public List<ParameterSpec> parameters(FrameShape input) {
        int[] shape = {input.channels()};
        return List.of(
                new ParameterSpec("gamma", shape, true, Initializer.ONES, 0),
                new ParameterSpec("beta", shape, true, Initializer.ZEROS, 0),
                new ParameterSpec("moving_mean", shape, false, Initializer.ZEROS, 0),
                new ParameterSpec("moving_variance", shape, false, Initializer.ONES, 0));
    }

    @Override
    public Layer build(Backend backend, FrameShape input, Plan plan, Function<String, Weights> parameters) {
        BatchNormSpec spec = new BatchNormSpec(input.height(), input.width(), input.channels(), epsilon, momentum);
        return new OpLayer(backend.batchNorm(spec, plan, parameters.apply("gamma"), parameters.apply("beta"),
                parameters.apply("moving_mean").value(), parameters.apply("moving_variance").value()));
    }

    @Override
    public boolean takesOperands() {
        return true;
    }
}
