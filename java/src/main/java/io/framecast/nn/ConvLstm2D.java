package io.framecast.nn;

import io.framecast.FramecastException;
import io.framecast.backend.Activation;
import io.framecast.backend.Backend;
import io.framecast.backend.ConvLstmSpec;
import io.framecast.backend.Plan;
import io.framecast.backend.Weights;
import io.framecast.text.Settings;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/**
 * Keras's ConvLSTM2D with return_sequences: a convolutional LSTM without peepholes (Shi et al. 2015).
 *
 * @param filters channels of the state and of the output
 * @param kernelSize (height, width), like all pairs here
 * @param strides of the input convolution
 * @param padding "same" or "valid", of the input convolution, as strides and dilation
 * @param dilationRate of the input convolution
 * @param activation of the candidate and of the cell state at the output
 * @param recurrentActivation of the gates
 */
public record ConvLstm2D(int filters, Pair kernelSize, Pair strides, String padding, Pair dilationRate,
        Activation activation, Activation recurrentActivation) implements OneInputConfig {

    /**
     * Checks the settings.
     *
     * @param filters the number of output channels
     * @param kernelSize of both convolutions
     * @param strides of the input convolution
     * @param padding "same" or "valid", of the input convolution
     * @param dilationRate of the input convolution
     * @param activation of the cell input and output
     * @param recurrentActivation of the gates
     * @throws FramecastException if both strides and dilation differ from 1, as in Keras
     * @throws IllegalArgumentException if one is out of its range
     */
    public ConvLstm2D {
        Settings.requirePositive("filters", filters);
        Settings.require(kernelSize != null, "kernelSize", kernelSize, "a pair");
        Settings.require(strides != null, "strides", strides, "a pair");
        Windows.requirePadding(padding);
        Settings.require(dilationRate != null, "dilationRate", dilationRate, "a pair");
        Settings.require(activation != null, "activation", activation, "one of its values");
        Settings.require(recurrentActivation != null, "recurrentActivation", recurrentActivation, "one of its values");
        Windows.requireOneOf(strides, dilationRate);
    }

    @Override
    public String type() {
        return "ConvLSTM2D";
    }

    @Override
    public Map<String, Object> settings() {
        Map<String, Object> settings = new LinkedHashMap<>();
        settings.put("filters", filters);
        settings.put("kernel_size", kernelSize.toArray());
        settings.put("strides", strides.toArray());
        settings.put("padding", padding);
        settings.put("dilation_rate", dilationRate.toArray());
        settings.put("activation", activation.keras());
        settings.put("recurrent_activation", recurrentActivation.keras());
        return settings;
    }

    @Override
    public FrameShape outputShape(FrameShape input) {
        return new Windows("kernel", kernelSize, strides, dilationRate, padding).outputs(input, filters);
    }

    @Override
    public List<ParameterSpec> parameters(FrameShape input) {
        int kh = kernelSize.height();
        int kw = kernelSize.width();
        return List.of(
                new ParameterSpec("kernel", new int[] {kh, kw, input.channels(), ConvLstmSpec.GATES * filters}, true,
                        Initializer.GLOROT_UNIFORM, ConvLstmSpec.GATES),
                new ParameterSpec("recurrent_kernel", new int[] {kh, kw, filters, ConvLstmSpec.GATES * filters}, true,
                        Initializer.ORTHOGONAL, ConvLstmSpec.GATES),
                new ParameterSpec("bias", new int[] {ConvLstmSpec.GATES * filters}, true, Initializer.FORGET_BIAS,
                        0));
    }

    @Override
    public int pastReach() {
        return 0;
    }

    @Override
    public int futureReach() {
        return 0;
    }

    /** Frame 0 has no recurrent convolution, since its hidden state is zero. */
    @Override
    public Flop flop(List<FrameShape> inputs, int frames, List<Boolean> inputGradients) {
        FrameShape input = inputs.get(0);
        FrameShape output = outputShape(input);
        int gates = ConvLstmSpec.GATES * filters;
        Flop perInput = Flop.convolution(output, gates, kernelSize, input.channels(), inputGradients.get(0));
        Flop perState = Flop.convolution(output, gates, kernelSize, filters, true);
        return perInput.times(frames).plus(perState.times(frames - 1));
    }

    @Override
    public LayerConfig withFilters(int other) {
        return new ConvLstm2D(other, kernelSize, strides, padding, dilationRate, activation, recurrentActivation);
    }

    @Override
    public Optional<LayerConfig> withOutputChannels(int before, int channels) {
        return Optional.empty();
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
        return Optional.empty();
    }

    @Override
    public Layer build(Backend backend, FrameShape input, Plan plan, Function<String, Weights> parameters) {
        ConvLstmSpec spec = new ConvLstmSpec(input.height(), input.width(), input.channels(), filters,
                kernelSize.height(), kernelSize.width(), strides.height(), strides.width(), dilationRate.height(),
                dilationRate.width(), padding.equals("same"), activation, recurrentActivation);
        return new ConvLstmLayer(backend.convLstm(spec, plan, parameters.apply("kernel"),
                parameters.apply("recurrent_kernel"), parameters.apply("bias")));
    }
}
