package io.framecast.backend.cuda.convolution;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.framecast.backend.Activation;
import io.framecast.backend.cuda.driver.DeviceMemory;
import io.framecast.backend.cuda.launch.KernelCounters;
import io.framecast.backend.cuda.launch.KernelDevice;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * The cost of the convolutions of the reference network, counted on quarter frames of 64 x 64 and planned for a batch
 * of five videos. Bounds are those documented in convolution/implicit_gemm.cuh, or the measured counts with a small
 * margin, since compilers differ by some instructions.
 */
class ConvolutionCountersTest {

    private static final int HEIGHT = 16;
    private static final int WIDTH = 64;
    private static final int FRAME = 5 * 4;
    private static final int FRAMES = 19 * FRAME;

    @RegisterExtension
    final KernelDevice device = new KernelDevice();

    enum Product {
        FORWARD("convolutionForward"), DATA("convolutionBackwardData"), WEIGHTS("convolutionBackwardWeights"),
        STEP("convLstmStep");

        final String kernel;

        Product(String kernel) {
            this.kernel = kernel;
        }
    }

    private DeviceMemory zeros(long values) {
        return device.memory(new float[Math.toIntExact(values)]);
    }

    private void run(Product product, ConvolutionShape shape, int images) {
        DeviceMemory x = zeros(images * shape.inputSize());
        DeviceMemory w = zeros(shape.weightsSize());
        DeviceMemory y = zeros(images * shape.outputSize());
        if (product == Product.STEP) {
            RecurrentStep step = new RecurrentStep(device.ops(), shape, FRAME);
            long state = images * shape.inputSize();
            step.launch(images, x, w, y, zeros(state), zeros(images * shape.outputSize()), zeros(state), zeros(state),
                    Activation.RELU, Activation.SIGMOID);
            return;
        }
        KernelConvolution convolution = device.own(
                new KernelConvolution(device.ops(), shape, false, FRAMES, FRAMES, true));
        switch (product) {
            case FORWARD -> convolution.forward(images, x, w, zeros(shape.outputs()), y, false);
            case DATA -> convolution.backwardData(images, y, w, x, false);
            default -> convolution.backwardWeights(images, x, y, w);
        }
    }

    /**
     * @param multiplyAdds the lower bound of multiply-adds per 100 instructions, those on padding not counted
     * @param efficiency the lower bound of requested bytes per 100 bytes moved
     * @param intensity the lower bound of multiply-adds per byte moved. With so few pixels the weights gradient has
     *        short splits, so much of its work is adding their sums
     */
    @ParameterizedTest
    @CsvSource({
        "FORWARD, 64, 256, 5, 85, 100, 15.5", "DATA, 64, 256, 5, 82, 100, 13", "STEP, 64, 256, 5, 83, 100, 14.5",
        "FORWARD, 64, 256, 3, 84, 100, 14.5", "DATA, 64, 256, 3, 82, 100, 12.5", "STEP, 64, 256, 3, 81, 100, 12",
        "FORWARD, 64, 256, 1, 79, 100, 7.5", "DATA, 64, 256, 1, 81, 100, 10.5", "STEP, 64, 256, 1, 59, 100, 4.2",
        "WEIGHTS, 64, 256, 3, 81, 100, 9.5", "WEIGHTS, 64, 256, 1, 71, 100, 4",
        "FORWARD, 1, 256, 5, 41, 88, 3.4", "WEIGHTS, 1, 256, 5, 48, 97, 2.9",
        "FORWARD, 64, 3, 3, 21, 98, 0.7", "DATA, 64, 3, 3, 43, 78, 3.1", "WEIGHTS, 64, 3, 3, 11, 98, 0.65"})
    void costsNoMoreThanCounted(Product product, int inputs, int outputs, int kernel, double multiplyAdds,
            double efficiency, double intensity) {
        ConvolutionShape shape = ConvolutionShape.same(HEIGHT, WIDTH, inputs, outputs, kernel, kernel);
        int images = product == Product.WEIGHTS ? 4 : 1;
        run(product, shape, images);
        KernelCounters counters = KernelCounters.of(device, product.kernel);
        double useful = (double) images * shape.outPixels() * shape.weightsSize();
        atLeast(multiplyAdds, 100 * useful / counters.instructions(), "multiply-adds of 100 instructions");
        atLeast(efficiency, 100 * counters.efficiency(), "bytes asked for of 100 moved");
        atLeast(intensity, useful / (32.0 * counters.sectors()), "multiply-adds to a byte");
        // Results of three columns have bank conflicts when they are stored, once per tile.
        if (outputs % 4 == 0 || product == Product.DATA) {
            assertEquals(0, counters.conflicts());
        }
    }

    private static void atLeast(double bound, double counted, String what) {
        assertTrue(counted >= bound, counted + " " + what + ", not " + bound);
    }
}
