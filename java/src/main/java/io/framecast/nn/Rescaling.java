package io.framecast.nn;

import io.framecast.backend.Backend;
import io.framecast.backend.Elementwise;
import io.framecast.backend.ElementwiseSpec;
import io.framecast.backend.Plan;
import io.framecast.backend.Weights;
import io.framecast.text.Settings;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/**
 * Keras's Rescaling: each value times {@code scale}, plus {@code offset}.
 *
 * @param scale multiplies the values
 * @param offset is added then
 */
public record Rescaling(double scale, double offset) implements OneInputConfig, FilterlessConfig {

    /**
     * Checks the settings.
     *
     * @param scale finite in float32
     * @param offset finite in float32
     * @throws IllegalArgumentException if one is not
     */
    public Rescaling {
        Settings.require(Math.abs(scale) <= Float.MAX_VALUE, "scale", scale, "a finite float32");
        Settings.require(Math.abs(offset) <= Float.MAX_VALUE, "offset", offset, "a finite float32");
    }

    @Override
    public String type() {
        return "Rescaling";
    }

    @Override
    public Map<String, Object> settings() {
        Map<String, Object> settings = new LinkedHashMap<>();
        settings.put("scale", scale);
        settings.put("offset", offset);
        return settings;
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
                Elementwise.RESCALING, (float) scale, (float) offset), plan));
    }
}
