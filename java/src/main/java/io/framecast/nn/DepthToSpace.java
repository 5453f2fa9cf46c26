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
 * Moves channels to patches of pixels: TensorFlow's depth_to_space on each frame, the inverse of {@link SpaceToDepth}.
 *
 * @param blockSize rows and columns of a patch
 */
public record DepthToSpace(int blockSize) implements OneInputConfig, FilterlessConfig {

    /**
     * Checks the setting.
     *
     * @param blockSize at least 1
     * @throws IllegalArgumentException if it is below 1
     */
    public DepthToSpace {
        Settings.requirePositive("blockSize", blockSize);
    }

    @Override
    public String type() {
        return "DepthToSpace";
    }

    @Override
    public Map<String, Object> settings() {
        return Map.of("block_size", blockSize);
    }

    @Override
    public FrameShape outputShape(FrameShape input) {
        int block = blockSize * blockSize;
        if (input.channels() % block != 0) {
            throw new FramecastException("the square of its \"block_size\" " + blockSize
                    + " does not divide the channels of its input of " + input);
        }
        return new FrameShape(input.height() * blockSize, input.width() * blockSize, input.channels() / block);
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
        FrameShape output = outputShape(input);
        return new OpLayer(backend.spaceToDepth(
                new SpaceToDepthSpec(output.height(), output.width(), output.channels(), blockSize, true), plan));
    }
}
