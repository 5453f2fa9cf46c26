package io.framecast.nn;

import io.framecast.FramecastException;
import io.framecast.backend.Activation;
import io.framecast.backend.Backend;
import io.framecast.backend.Conv3dTransposeSpec;
import io.framecast.backend.Op;
import io.framecast.backend.Plan;
import io.framecast.backend.Weights;
import io.framecast.text.Settings;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/**
 * Keras's Conv3DTranspose with stride 1 and "same" padding in time: the gradient of the input of a Conv3D with these
 * settings. With "same" padding it returns frames of {@code strides} times the height and width.
 *
 * @param filters channels of the output
 * @param kernelFrames size of the kernel in time
 * @param kernelSize (height, width) of the kernel, like all pairs here
 * @param strides in height and width, of the output
 * @param padding "same" or "valid", in height and width
 * @param activation of the output
 */
public record Conv3DTranspose(int filters, int kernelFrames, Pair kernelSize, Pair strides, String padding,
        Activation activation) implements OneInputConfig {

    /**
     * Checks the settings.
     *
     * @param filters at least 1
     * @param kernelFrames at least 1
     * @param kernelSize not null
     * @param strides not null
     * @param padding "same" or "valid"; valid only with a kernel of one frame
     * @param activation not null
     * @throws FramecastException if "valid" padding would lengthen the video
     * @throws IllegalArgumentException if one is out of its range
     */
    public Conv3DTranspose {
        Settings.requirePositive("filters", filters);
        Settings.requirePositive("kernelFrames", kernelFrames);
        Settings.require(kernelSize != null, "kernelSize", kernelSize, "a pair");
        Settings.require(strides != null, "strides", strides, "a pair");
        Windows.requirePadding(padding);
        Settings.require(activation != null, "activation", activation, "one of its values");
        Windows.requireAllFrames(padding, kernelFrames);
    }

    @Override
    public String type() {
        return "Conv3DTranspose";
    }

    @Override
    public Map<String, Object> settings() {
        Map<String, Object> settings = new LinkedHashMap<>();
        settings.put("filters", filters);
        settings.put("kernel_size", new int[] {kernelFrames, kernelSize.height(), kernelSize.width()});
        settings.put("strides", strides.ofOneFrame());
        settings.put("padding", padding);
        settings.put("activation", activation.keras());
        return settings;
    }

    @Override
    public FrameShape outputShape(FrameShape input) {
        return new FrameShape(length(input.height(), kernelSize.height(), strides.height()),
                length(input.width(), kernelSize.width(), strides.width()), filters);
    }

    private int length(int size, int kernel, int stride) {
        long length = (long) size * stride + (padding.equals("same") ? 0 : Math.max(0, kernel - stride));
        if (length > HostTensor.MAX_SIZE) {
            throw new FramecastException("its output of " + length + " pixels is too large");
        }
        return (int) length;
    }

    @Override
    public List<ParameterSpec> parameters(FrameShape input) {
        return List.of(
                new ParameterSpec("kernel",
                        new int[] {kernelFrames, kernelSize.height(), kernelSize.width(), filters, input.channels()},
                        true, Initializer.GLOROT_UNIFORM, 1),
                new ParameterSpec("bias", new int[] {filters}, true, Initializer.ZEROS, 0));
    }

    /** As a Conv3D whose kernel is reversed: of an even number of frames, the middle one is the later one. */
    @Override
    public int futureReach() {
        return (kernelFrames - 1) / 2;
    }

    @Override
    public int pastReach() {
        return kernelFrames / 2;
    }

    /** Each value of the input is multiplied by the whole kernel. */
    @Override
    public Flop flop(List<FrameShape> inputs, int frames, List<Boolean> inputGradients) {
        FrameShape input = inputs.get(0);
        return Flop.convolution(input, input.channels(), kernelSize, filters, inputGradients.get(0))
                .times((double) frames * kernelFrames);
    }

    @Override
    public LayerConfig withFilters(int other) {
        return this;
    }

    @Override
    public Optional<LayerConfig> withOutputChannels(int before, int channels) {
        return Optional.of(with(filters / before * channels, activation));
    }

    @Override
    public boolean movesValues() {
        return false;
    }

    @Override
    public Optional<LayerConfig> withoutSigmoid() {
        return activation != Activation.SIGMOID ? Optional.empty() : Optional.of(with(filters, Activation.LINEAR));
    }

    private Conv3DTranspose with(int filters, Activation activation) {
        return new Conv3DTranspose(filters, kernelFrames, kernelSize, strides, padding, activation);
    }

    @Override
    public Layer build(Backend backend, FrameShape input, Plan plan, Function<String, Weights> parameters) {
        Conv3dTransposeSpec spec = new Conv3dTransposeSpec(input.height(), input.width(), input.channels(), filters,
                kernelFrames, kernelSize.height(), kernelSize.width(), strides.height(), strides.width(),
                padding.equals("same"), activation);
        Op op = backend.conv3dTranspose(spec, plan, parameters.apply("kernel"), parameters.apply("bias"));
        return WindowLayer.of(backend, op, plan, this, input);
    }
}
