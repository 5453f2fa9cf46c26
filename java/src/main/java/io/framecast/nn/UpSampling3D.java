package io.framecast.nn;

import io.framecast.FramecastException;
import io.framecast.backend.Backend;
import io.framecast.backend.Plan;
import io.framecast.backend.UpSamplingSpec;
import io.framecast.backend.Weights;
import io.framecast.text.Settings;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;

/**
 * Keras's UpSampling3D in height and width: frames of {@code size} times as many rows and columns.
 *
 * @param size (height, width): rows and columns that become of one
 * @param interpolation "nearest", which repeats pixels, or "bilinear", as in Keras's UpSampling2D: between the centres
 *     of pixels, and beyond the outermost centres as at them
 */
public record UpSampling3D(Pair size, String interpolation) implements OneInputConfig, FilterlessConfig {

    static final Set<String> INTERPOLATIONS = Set.of("nearest", "bilinear");

    /**
     * Checks the settings.
     *
     * @param size not null
     * @param interpolation "nearest" or "bilinear"
     * @throws IllegalArgumentException if one is out of its range
     */
    public UpSampling3D {
        Settings.require(size != null, "size", size, "a pair");
        Settings.require(INTERPOLATIONS.contains(String.valueOf(interpolation)), "interpolation", interpolation,
                "nearest or bilinear");
    }

    @Override
    public String type() {
        return "UpSampling3D";
    }

    @Override
    public Map<String, Object> settings() {
        Map<String, Object> settings = new LinkedHashMap<>();
        settings.put("size", size.ofOneFrame());
        settings.put("interpolation", interpolation);
        return settings;
    }

    @Override
    public FrameShape outputShape(FrameShape input) {
        return new FrameShape(length(input.height(), size.height()), length(input.width(), size.width()),
                input.channels());
    }

    private static int length(int length, int factor) {
        if ((long) length * factor > HostTensor.MAX_SIZE) {
            throw new FramecastException("its output of " + (long) length * factor + " pixels is too large");
        }
        return length * factor;
    }

    @Override
    public List<ParameterSpec> parameters(FrameShape input) {
        return List.of();
    }

    @Override
    public boolean movesValues() {
        return interpolation.equals("nearest");
    }

    @Override
    public Layer build(Backend backend, FrameShape input, Plan plan, Function<String, Weights> parameters) {
        return new OpLayer(backend.upSampling(new UpSamplingSpec(input.height(), input.width(), input.channels(),
                size.height(), size.width(), interpolation.equals("bilinear")), plan));
    }
}
