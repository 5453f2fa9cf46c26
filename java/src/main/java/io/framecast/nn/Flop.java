package io.framecast.nn;

import java.util.List;
import java.util.stream.IntStream;

/**
 * The floating-point operations of a training step for one video: those of the convolutions by their definition. A
 * multiply-add counts as two, and padding counts like pixels. All other work of a step is a few thousandths of that.
 * The count does not depend on the algorithm: Winograd needs fewer operations.
 *
 * @param forward operations of the forward pass
 * @param backward operations of the backward pass
 */
public record Flop(double forward, double backward) {

    /** The count of a layer without convolutions. */
    static final Flop NONE = new Flop(0, 0);

    /**
     * The operations of each layer, for one video of {@code frames} input frames.
     *
     * @param model the model
     * @param frames the number of input frames
     * @return the operations by layer index
     */
    public static List<Flop> ofLayers(ModelConfig model, int frames) {
        List<List<FrameShape>> inputs = model.inputShapes();
        Gradients gradients = model.gradients();
        return IntStream.range(0, model.layers().size())
                .mapToObj(k -> model.layers().get(k).flop(inputs.get(k), frames, gradients.ofInputs(k))).toList();
    }

    /**
     * A convolution of one frame: each output value is a sum over the kernel and the input channels. Backward computes
     * the gradient of the kernel and, if requested, of the input; each costs as much as forward.
     */
    static Flop convolution(FrameShape output, int outputChannels, Pair kernel, int inputChannels,
            boolean inputGradient) {
        double forward = 2.0 * output.height() * output.width() * outputChannels * kernel.height() * kernel.width()
                * inputChannels;
        return new Flop(forward, inputGradient ? 2 * forward : forward);
    }

    Flop times(double count) {
        return new Flop(count * forward, count * backward);
    }

    Flop plus(Flop other) {
        return new Flop(forward + other.forward, backward + other.backward);
    }

    /**
     * Forward and backward together.
     *
     * @return operations
     */
    public double total() {
        return forward + backward;
    }
}
