package io.framecast.nn;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.junit.jupiter.api.Test;

/** Operations counted by hand: the number of outputs, times the number of products in each, times two. */
class FlopTest {

    private static final long PIXELS = 64 * 64;

    private static void assertFlop(long forward, long backward, Flop actual) {
        assertEquals(new Flop(forward, backward), actual);
    }

    @Test
    void theReferenceNetworkTakes111GigaflopForwardAnd333AStep() {
        List<Flop> layers = Flop.ofLayers(Models.load("keras"), 19);
        assertEquals(6, layers.size());
        // 256 channels of gates. The first layer has one input channel, and computes no gradient for its input.
        long input = 19 * 2 * PIXELS * 256 * 5 * 5;
        long recurrent = 18 * 2 * PIXELS * 256 * 5 * 5 * 64;
        assertFlop(input + recurrent, input + 2 * recurrent, layers.get(0));
        for (int k : new int[] {2, 4}) {
            // 19 input and 18 recurrent convolutions of 64 channels, with kernels of 3x3 and of 1x1.
            long forward = 37 * 2 * PIXELS * 256 * (k == 2 ? 3 * 3 : 1) * 64;
            assertFlop(forward, 2 * forward, layers.get(k));
        }
        long last = 19 * 2 * PIXELS * 3 * 3 * 3 * 64;
        assertFlop(last, 2 * last, layers.get(5));
        assertEquals(new Flop(0, 0), layers.get(1));
        assertEquals(111e9, layers.stream().mapToDouble(Flop::forward).sum(), 0.5e9);
        assertEquals(333e9, layers.stream().mapToDouble(Flop::total).sum(), 0.5e9);
    }

    @Test
    void outputsCountAndNotInputsAndNoGradientGoesPastTheFirstParameters() {
        ModelConfig model = ModelJson.parse("""
                {"input": {"height": 14, "width": 18, "channels": 1}, "layers": [
                  {"type": "SpaceToDepth", "block_size": 2},
                  {"type": "ConvLSTM2D", "filters": 3, "kernel_size": [3, 5], "strides": 2, "padding": "valid"},
                  {"type": "Conv3D", "filters": 2, "kernel_size": [1, 1, 3]}]}
                """, "test");
        List<Flop> layers = Flop.ofLayers(model, 4);
        assertEquals(new Flop(0, 0), layers.get(0));
        // 7x9 pixels of 4 channels become 3x3 of 3.
        long input = 4 * 2 * (3 * 3) * 12 * (3 * 5 * 4);
        long recurrent = 3 * 2 * (3 * 3) * 12 * (3 * 5 * 3);
        assertFlop(input + recurrent, input + 2 * recurrent, layers.get(1));
        long last = 4 * 2 * (3 * 3) * 2 * (3 * 3);
        assertFlop(last, 2 * last, layers.get(2));
    }

    /** A transposed convolution has as many products as the convolution that it transposes. */
    @Test
    void aTransposedConvolutionCountsItsInputs() {
        ModelConfig model = ModelJson.parse("""
                {"input": {"height": 8, "width": 9, "channels": 2}, "layers": [
                  {"type": "Conv3D", "filters": 3, "kernel_size": [2, 3, 3], "strides": [1, 2, 3]},
                  {"type": "Conv3DTranspose", "filters": 2, "kernel_size": [2, 3, 3], "strides": [1, 2, 3]}]}
                """, "test");
        List<Flop> layers = Flop.ofLayers(model, 5);
        long products = 5 * 2 * (4 * 3) * (2 * 3 * 3) * 3 * 2;
        assertFlop(products, products, layers.get(0));
        assertFlop(products, 2 * products, layers.get(1));
    }

    @Test
    void motionHasNoConvolutions() {
        assertEquals(new Flop(0, 0), new BlockMatching2D(4, 4, 5)
                .flop(List.of(new FrameShape(8, 8, 1)), 3, List.of(false)));
    }

    @Test
    void inAGraphOnlyInputsWithParametersBeforeThemHaveAGradient() {
        ModelConfig model = ModelJson.parse("""
                {"input": {"height": 4, "width": 4, "channels": 1}, "layers": [
                  {"type": "SpaceToDepth", "block_size": 2, "name": "patches"},
                  {"type": "Conv3D", "filters": 2, "kernel_size": 1, "name": "a"},
                  {"type": "Conv3D", "filters": 3, "kernel_size": 1, "name": "b", "inputs": ["patches"]},
                  {"type": "Concatenate", "inputs": ["a", "b", "patches"]},
                  {"type": "Conv3D", "filters": 4, "kernel_size": 1}]}
                """, "test");
        List<Flop> layers = Flop.ofLayers(model, 5);
        long pixels = 5 * 2 * 2;
        assertFlop(2 * pixels * 2 * 4, 2 * pixels * 2 * 4, layers.get(1));
        assertFlop(2 * pixels * 3 * 4, 2 * pixels * 3 * 4, layers.get(2));
        assertEquals(new Flop(0, 0), layers.get(3));
        assertFlop(2 * pixels * 4 * 9, 2 * 2 * pixels * 4 * 9, layers.get(4));
    }

    @Test
    void filtersThatAreDataCountNothing() {
        assertEquals(new Flop(0, 0), new LayeredAdvection2D(1, 1, 0.5).flop(List.of(new FrameShape(4, 4, 1),
                new FrameShape(4, 4, 2), new FrameShape(2, 2, 6), new FrameShape(2, 2, 2)), 5,
                List.of(true, true, true, true)));
    }
}
