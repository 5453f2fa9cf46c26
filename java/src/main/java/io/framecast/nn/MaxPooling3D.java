package io.framecast.nn;

import io.framecast.backend.Backend;
import io.framecast.backend.Plan;
import io.framecast.backend.PoolingSpec;
import io.framecast.backend.Weights;
import io.framecast.text.Settings;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/**
 * Keras's MaxPooling3D in height and width: for each channel the largest value of each window of pixels, without the
 * padding.
 *
 * @param poolSize (height, width) of a window, like all pairs here
 * @param strides from one window to the next
 * @param padding "same" or "valid"
 */
public record MaxPooling3D(Pair poolSize, Pair strides, String padding) implements OneInputConfig, FilterlessConfig {

    /**
     * Checks the settings.
     *
     * @param poolSize not null
     * @param strides not null
     * @param padding "same" or "valid"
     * @throws IllegalArgumentException if one is out of its range
     */
    public MaxPooling3D {
        Settings.require(poolSize != null, "poolSize", poolSize, "a pair");
        Settings.require(strides != null, "strides", strides, "a pair");
        Windows.requirePadding(padding);
    }

    @Override
    public String type() {
        return "MaxPooling3D";
    }

    @Override
    public Map<String, Object> settings() {
        return windows().poolingSettings();
    }

    @Override
    public FrameShape outputShape(FrameShape input) {
        return windows().outputs(input, input.channels());
    }

    private Windows windows() {
        return new Windows("window", poolSize, strides, Pair.ONE, padding);
    }

    @Override
    public List<ParameterSpec> parameters(FrameShape input) {
        return List.of();
    }

    /** The sigmoid of the largest value is the largest sigmoid. */
    @Override
    public boolean movesValues() {
        return true;
    }

    @Override
    public Layer build(Backend backend, FrameShape input, Plan plan, Function<String, Weights> parameters) {
        return new OpLayer(backend.pooling(new PoolingSpec(input.height(), input.width(), input.channels(),
                poolSize.height(), poolSize.width(), strides.height(), strides.width(), padding.equals("same"), true),
                plan));
    }
}
