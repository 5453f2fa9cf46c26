package io.framecast.nn;

import io.framecast.FramecastException;
import io.framecast.backend.Backend;
import io.framecast.backend.BlockMatchingSpec;
import io.framecast.backend.Plan;
import io.framecast.backend.Weights;
import io.framecast.text.Settings;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/**
 * The motion since the frame before, estimated for each block of pixels: block matching, as in video codecs, with the
 * soft argmin of GC-Net (Kendall et al. 2017). {@link BlockMatchingSpec} has the formula. It has no parameters and no
 * gradient of its input: all layers before it must be without parameters.
 *
 * @param blockSize rows and columns of a block, in pixels
 * @param maxDisplacement the largest displacement in each direction, in pixels
 * @param window rows and columns of blocks whose differences are averaged
 */
public record BlockMatching2D(int blockSize, int maxDisplacement, int window)
        implements OneInputConfig, FilterlessConfig {

    /**
     * Checks the settings.
     *
     * @param blockSize at least 1
     * @param maxDisplacement at least 1
     * @param window at least 1, and odd
     * @throws IllegalArgumentException if one is out of its range
     */
    public BlockMatching2D {
        Settings.requirePositive("blockSize", blockSize);
        Settings.requirePositive("maxDisplacement", maxDisplacement);
        Settings.requirePositive("window", window);
        Settings.require(window % 2 == 1, "window", window, "odd");
    }

    @Override
    public String type() {
        return "BlockMatching2D";
    }

    @Override
    public Map<String, Object> settings() {
        Map<String, Object> settings = new LinkedHashMap<>();
        settings.put("block_size", blockSize);
        settings.put("max_displacement", maxDisplacement);
        settings.put("window", window);
        return settings;
    }

    @Override
    public FrameShape outputShape(FrameShape input) {
        if (input.height() % blockSize != 0 || input.width() % blockSize != 0) {
            throw new FramecastException("its \"block_size\" " + blockSize + " does not divide its input of " + input);
        }
        return new FrameShape(input.height() / blockSize, input.width() / blockSize, BlockMatchingSpec.OUTPUTS);
    }

    @Override
    public List<ParameterSpec> parameters(FrameShape input) {
        return List.of();
    }

    /** It takes frames of any number of channels. */
    @Override
    public boolean sharesChannels(int input) {
        return false;
    }

    @Override
    public boolean givesInputGradients() {
        return false;
    }

    @Override
    public Layer build(Backend backend, FrameShape input, Plan plan, Function<String, Weights> parameters) {
        return new ConvLstmLayer(backend.blockMatching(new BlockMatchingSpec(input.height(), input.width(),
                input.channels(), blockSize, maxDisplacement, window), plan));
    }
}
