package io.framecast.nn;

import io.framecast.backend.ConvLstmSpec;
import java.util.ArrayList;
import java.util.List;

/**
 * The floating-point operations of a training step, a video: those of the convolutions as they are defined, a
 * multiply-add being two, and padding counted as if it were pixels. Everything else in a step is some thousandths of
 * that. An implementation that computes a convolution with fewer (Winograd's) does not change the count.
 */
public record Flop(double forward, double backward) {

    private static final Flop NONE = new Flop(0, 0);

    /** Of each layer of the model, for videos of {@code frames} input frames. */
    public static List<Flop> ofLayers(ModelConfig model, int frames) {
        List<FrameShape> shapes = model.shapes();
        List<Flop> layers = new ArrayList<>();
        for (int k = 0; k < model.layers().size(); k++) {
            LayerConfig layer = model.layers().get(k);
            boolean inputGradient = k > model.firstTrained();
            if (layer instanceof ConvLstm2D lstm) {
                layers.add(of(lstm, shapes.get(k), frames, inputGradient));
            } else if (layer instanceof Conv3D conv) {
                layers.add(of(conv, shapes.get(k), frames, inputGradient));
            } else {
                layers.add(NONE);
            }
        }
        return layers;
    }

    /** At frame 0 the hidden state is zero, and there is no recurrent convolution. */
    private static Flop of(ConvLstm2D layer, FrameShape input, int frames, boolean inputGradient) {
        FrameShape output = layer.outputShape(input);
        int gates = ConvLstmSpec.GATES * layer.filters();
        double perInput = convolution(output, gates, layer.kernelSize(), input.channels());
        double perState = convolution(output, gates, layer.kernelSize(), layer.filters());
        return trained(frames * perInput, inputGradient).plus(trained((frames - 1) * perState, true));
    }

    private static Flop of(Conv3D layer, FrameShape input, int frames, boolean inputGradient) {
        double perTap = convolution(layer.outputShape(input), layer.filters(), layer.kernelSize(), input.channels());
        return trained((double) frames * layer.kernelFrames() * perTap, inputGradient);
    }

    /** One frame's: each output is a sum over the kernel and the channels of the input. */
    private static double convolution(FrameShape output, int outputs, Pair kernel, int inputs) {
        return 2.0 * output.height() * output.width() * outputs * kernel.height() * kernel.width() * inputs;
    }

    /** Backward computes the gradient of the kernel and, if it is asked for, that of the input: as much work each. */
    private static Flop trained(double forward, boolean inputGradient) {
        return new Flop(forward, inputGradient ? 2 * forward : forward);
    }

    private Flop plus(Flop other) {
        return new Flop(forward + other.forward, backward + other.backward);
    }

    /** Of a whole step. */
    public double total() {
        return forward + backward;
    }
}
