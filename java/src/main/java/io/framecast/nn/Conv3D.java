package io.framecast.nn;

import io.framecast.FramecastException;
import io.framecast.backend.Activation;
import io.framecast.backend.Backend;
import io.framecast.backend.Conv3dSpec;
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
 * Keras's Conv3D with stride 1, no dilation and "same" padding in time.
 *
 * @param filters channels of the output
 * @param kernelFrames size of the kernel in time
 * @param kernelSize (height, width) of the kernel, like all pairs here
 * @param strides in height and width
 * @param padding "same" or "valid", in height and width
 * @param dilationRate in height and width
 * @param activation of the output
 */
public record Conv3D(int filters, int kernelFrames, Pair kernelSize, Pair strides, String padding, Pair dilationRate,
        Activation activation) implements OneInputConfig {

    /**
     * Checks the settings.
     *
     * @param filters at least 1
     * @param kernelFrames at least 1
     * @param kernelSize not null
     * @param strides not null
     * @param padding "same" or "valid"; valid only with a kernel of one frame
     * @param dilationRate not null
     * @param activation not null
     * @throws FramecastException if both strides and dilation differ from 1, as in Keras; if "valid" padding would
     *     shorten the video
     * @throws IllegalArgumentException if one is out of its range
     */
    public Conv3D {
        Settings.requirePositive("filters", filters);
        Settings.requirePositive("kernelFrames", kernelFrames);
        Settings.require(kernelSize != null, "kernelSize", kernelSize, "a pair");
        Settings.require(strides != null, "strides", strides, "a pair");
        Windows.requirePadding(padding);
        Settings.require(dilationRate != null, "dilationRate", dilationRate, "a pair");
        Settings.require(activation != null, "activation", activation, "one of its values");
        Windows.requireAllFrames(padding, kernelFrames);
        Windows.requireOneOf(strides, dilationRate);
    }

    /**
     * With stride 1, "same" padding and no dilation.
     *
     * @param filters at least 1
     * @param kernelFrames at least 1
     * @param kernelSize not null
     * @param activation not null
     */
    public Conv3D(int filters, int kernelFrames, Pair kernelSize, Activation activation) {
        this(filters, kernelFrames, kernelSize, Pair.ONE, "same", Pair.ONE, activation);
    }

    @Override
    public String type() {
        return "Conv3D";
    }

    /** Strides and dilation only where they are not 1. */
    @Override
    public Map<String, Object> settings() {
        Map<String, Object> settings = new LinkedHashMap<>();
        settings.put("filters", filters);
        settings.put("kernel_size", new int[] {kernelFrames, kernelSize.height(), kernelSize.width()});
        if (!strides.equals(Pair.ONE)) {
            settings.put("strides", strides.ofOneFrame());
        }
        settings.put("padding", padding);
        if (!dilationRate.equals(Pair.ONE)) {
            settings.put("dilation_rate", dilationRate.ofOneFrame());
        }
        settings.put("activation", activation.keras());
        return settings;
    }

    @Override
    public FrameShape outputShape(FrameShape input) {
        return new Windows("kernel", kernelSize, strides, dilationRate, padding).outputs(input, filters);
    }

    @Override
    public List<ParameterSpec> parameters(FrameShape input) {
        return List.of(
                new ParameterSpec("kernel",
                        new int[] {kernelFrames, kernelSize.height(), kernelSize.width(), input.channels(), filters},
                        true, Initializer.GLOROT_UNIFORM, 1),
                new ParameterSpec("bias", new int[] {filters}, true, Initializer.ZEROS, 0));
    }

    @Override
    public int futureReach() {
        return kernelFrames / 2;
    }

    @Override
    public int pastReach() {
        return (kernelFrames - 1) / 2;
    }

    @Override
    public Flop flop(List<FrameShape> inputs, int frames, List<Boolean> inputGradients) {
        FrameShape input = inputs.get(0);
        return Flop.convolution(outputShape(input), filters, kernelSize, input.channels(), inputGradients.get(0))
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
    public boolean takesOperands() {
        return true;
    }

    @Override
    public boolean movesValues() {
        return false;
    }

    @Override
    public Optional<LayerConfig> withoutSigmoid() {
        return activation != Activation.SIGMOID ? Optional.empty()
                : Optional.of(with(filters, Activation.LINEAR));
    }

    private Conv3D with(int filters, Activation activation) {
        return new Conv3D(filters, kernelFrames, kernelSize, strides, padding, dilationRate, activation);
    }

    @Override
    public Layer build(Backend backend, FrameShape input, Plan plan, Function<String, Weights> parameters) {
        Conv3dSpec spec = new Conv3dSpec(input.height(), input.width(), input.channels(), filters, kernelFrames,
                kernelSize.height(), kernelSize.width(), strides.height(), strides.width(), dilationRate.height(),
                dilationRate.width(), padding.equals("same"), activation);
        Op op = backend.conv3d(spec, plan, parameters.apply("kernel"), parameters.apply("bias"));
        return WindowLayer.of(backend, op, plan, this, input);
    }
}
