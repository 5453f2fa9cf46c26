package io.framecast.nn;

import io.framecast.FramecastException;
import io.framecast.backend.Backend;
import io.framecast.backend.Plan;
import io.framecast.backend.SpaceToDepthSpec;
import io.framecast.backend.Weights;
import io.framecast.text.Settings;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/**
 * Moves patches of pixels to channels: TensorFlow's space_to_depth on each frame.
 *
 * @param blockSize rows and columns of a patch
 */
public record SpaceToDepth(int blockSize) implements OneInputConfig, FilterlessConfig {

    /**
     * Checks the setting.
     *
     * @param blockSize at least 1
     * @throws IllegalArgumentException if it is below 1
     */
    public SpaceToDepth {
        Settings.requirePositive("blockSize", blockSize);
    }

    @Override
    public String type() {
        return "SpaceToDepth";
    }

    @Override
    public Map<String, Object> settings() {
        return Map.of("block_size", blockSize);
    }

    @Override
    public FrameShape outputShape(FrameShape input) {
        if (input.height() % blockSize != 0 || input.width() % blockSize != 0) {
            throw new FramecastException("its \"block_size\" " + blockSize + " does not divide its input of " + input);
        }
        return new FrameShape(input.height() / blockSize, input.width() / blockSize,
                input.channels() * blockSize * blockSize);
    }

    @Override
    public List<ParameterSpec> parameters(FrameShape input) {
        return List.of();
    }

    @Override
    public boolean movesValues() {
        return true;
    }

    @Override
    public Layer build(Backend backend, FrameShape input, Plan plan, Function<String, Weights> parameters) {
        return new OpLayer(backend.spaceToDepth(
                new SpaceToDepthSpec(input.height(), input.width(), input.channels(), blockSize, false), plan));
    }
}
