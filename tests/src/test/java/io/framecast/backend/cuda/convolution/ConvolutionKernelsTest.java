package io.framecast.backend.cuda.convolution;

import static io.framecast.backend.cuda.launch.KernelDevice.read;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.framecast.backend.Activation;
import io.framecast.backend.cuda.driver.DeviceMemory;
import io.framecast.backend.cuda.launch.Activations;
import io.framecast.backend.cuda.launch.KernelDevice;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The convolutions and the fused recurrent step against loops over their definitions. Values of convolutions are small
 * integers, whose sums float32 holds exactly in any order: results must be equal.
 */
class ConvolutionKernelsTest {

    @RegisterExtension
    final KernelDevice device = new KernelDevice();

    private final Random random = new Random(1);

    private KernelConvolution convolution(Shape shape, boolean gates, int images) {
        return device.own(new KernelConvolution(device.ops(), shape.shape, gates, images, images, true));
    }

    private KernelConvolution convolution(Shape shape, ConvolutionTile tile) {
        return device.own(new KernelConvolution(device.ops(), shape.shape, false, shape.images, true,
                new KernelConvolution.Tiles(tile, tile, tile)));
    }

    private float[] integers(int count) {
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = random.nextInt(9) - 4;
        }
        return values;
    }

    private float[] normals(int count, double scale) {
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = (float) (scale * random.nextGaussian());
        }
        return values;
    }

    @ParameterizedTest
    @EnumSource
    void convolves(Shape shape) {
        convolves(shape, convolution(shape, false, shape.images));
    }

    private void convolves(Shape shape, KernelConvolution convolution) {
        float[] x = integers(shape.inPixels() * shape.inputs);
        float[] w = integers(shape.taps() * shape.inputs * shape.outputs);
        float[] bias = integers(shape.outputs);
        float[] sum = new float[shape.outPixels() * shape.outputs];
        shape.forEachProduct((xAt, wAt, yAt) -> sum[yAt] += x[xAt] * w[wAt]);
        float[] biased = sum.clone();
        float[] twice = new float[sum.length];
        for (int i = 0; i < sum.length; i++) {
            biased[i] += bias[i % shape.outputs];
            twice[i] = biased[i] + sum[i];
        }

        DeviceMemory input = device.memory(x);
        DeviceMemory weights = device.memory(w);
        DeviceMemory y = device.unwritten(sum.length);
        convolution.forward(shape.images, input, weights, device.memory(bias), y, false);
        assertArrayEquals(biased, read(y));
        convolution.forward(shape.images, input, weights, null, y, true);
        assertArrayEquals(twice, read(y));
        convolution.forward(shape.images, input, weights, null, y, false);
        assertArrayEquals(sum, read(y));
    }

    @ParameterizedTest
    @EnumSource
    void passesGradientsToItsInput(Shape shape) {
        passesGradientsToItsInput(shape, convolution(shape, false, shape.images));
    }

    private void passesGradientsToItsInput(Shape shape, KernelConvolution convolution) {
        float[] dy = integers(shape.outPixels() * shape.outputs);
        float[] w = integers(shape.taps() * shape.inputs * shape.outputs);
        float[] dx = new float[shape.inPixels() * shape.inputs];
        shape.forEachProduct((xAt, wAt, yAt) -> dx[xAt] += dy[yAt] * w[wAt]);
        float[] twice = dx.clone();
        for (int i = 0; i < dx.length; i++) {
            twice[i] *= 2;
        }

        DeviceMemory gradient = device.memory(dy);
        DeviceMemory weights = device.memory(w);
        DeviceMemory result = device.unwritten(dx.length);
        convolution.backwardData(shape.images, gradient, weights, result, false);
        assertArrayEquals(dx, read(result));
        convolution.backwardData(shape.images, gradient, weights, result, true);
        assertArrayEquals(twice, read(result));
    }

    /** Also if planned for many more images, and so for more splits. */
    @ParameterizedTest
    @EnumSource
    void passesGradientsToItsWeights(Shape shape) {
        passesGradientsToItsWeights(shape, convolution(shape, false, shape.images),
                convolution(shape, false, 20 * shape.images));
    }

    private void passesGradientsToItsWeights(Shape shape, KernelConvolution... convolutions) {
        float[] x = integers(shape.inPixels() * shape.inputs);
        float[] dy = integers(shape.outPixels() * shape.outputs);
        int size = shape.taps() * shape.inputs * shape.outputs;
        float[] dw = new float[size];
        shape.forEachProduct((xAt, wAt, yAt) -> dw[wAt] += x[xAt] * dy[yAt]);
        DeviceMemory input = device.memory(x);
        DeviceMemory gradient = device.memory(dy);
        // A parameter's gradient may have any offset in the common buffer.
        DeviceMemory result = device.unwritten(size + 1).view(4, 4L * size);
        for (KernelConvolution convolution : convolutions) {
            convolution.backwardWeights(shape.images, input, gradient, result);
            assertArrayEquals(dw, read(result));
        }
    }

    /** Splits as long as for a layer of real size; here over the same images repeated. */
    @ParameterizedTest
    @EnumSource(names = {"FOURS", "ODD_CHANNELS_STRIDED", "STRIDED_SAME"})
    void passesGradientsOfManyImagesToItsWeights(Shape shape) {
        int times = 20_000 / shape.outPixels();
        float[] x = integers(shape.inPixels() * shape.inputs);
        float[] dy = integers(shape.outPixels() * shape.outputs);
        float[] dw = new float[shape.taps() * shape.inputs * shape.outputs];
        shape.forEachProduct((xAt, wAt, yAt) -> dw[wAt] += times * x[xAt] * dy[yAt]);
        DeviceMemory result = device.unwritten(dw.length);
        convolution(shape, false, times * shape.images).backwardWeights(times * shape.images,
                device.memory(Shape.repeat(x, times)), device.memory(Shape.repeat(dy, times)), result);
        assertArrayEquals(dw, read(result));
    }

    @ParameterizedTest
    @EnumSource
    void anyTileWillDo(ConvolutionTile tile) {
        for (Shape shape : new Shape[] {Shape.TILES, Shape.ODD_TILES}) {
            KernelConvolution convolution = convolution(shape, tile);
            convolves(shape, convolution);
            passesGradientsToItsInput(shape, convolution);
            passesGradientsToItsWeights(shape, convolution);
        }
    }

    @Test
    void passesGradientsOfGatesToItsWeightsInTheirOrder() {
        Shape shape = Shape.FOURS;
        float[] x = integers(shape.inPixels() * shape.inputs);
        float[] dy = integers(shape.outPixels() * shape.outputs);
        int filters = shape.outputs / 4;
        float[] dw = new float[shape.taps() * shape.inputs * shape.outputs];
        shape.forEachProduct((xAt, wAt, yAt) -> {
            int o = wAt % shape.outputs;
            dw[wAt - o + o % 4 * filters + o / 4] += x[xAt] * dy[yAt];
        });
        DeviceMemory result = device.unwritten(dw.length);
        convolution(shape, true, shape.images).backwardWeights(shape.images, device.memory(x), device.memory(dy),
                result);
        assertArrayEquals(dw, read(result));
    }

    @ParameterizedTest
    @EnumSource
    void stepsWithUnitsInFours(ConvolutionTile tile) {
        step(2, 9, 7, 36, 3, Activation.TANH, Activation.SIGMOID, tile);
    }

    @ParameterizedTest
    @EnumSource
    void stepsWithAnyNumberOfUnits(ConvolutionTile tile) {
        step(1, 8, 6, 5, 5, Activation.RELU, Activation.HARD_SIGMOID, tile);
    }

    @ParameterizedTest
    @EnumSource
    void stepsWithAnyActivation(Activation activation) {
        step(2, 9, 7, 36, 3, activation, Activation.SIGMOID, ConvolutionTile.SQUARE);
        step(2, 9, 7, 36, 3, Activation.TANH, activation, ConvolutionTile.SQUARE);
    }

    /**
     * Values are of order 1, and z is a sum of n = taps * units products of order 1/sqrt(n). So its float32 error is a
     * few times sqrt(n) * 2^-24 < 1e-5. Neither the activations nor the sums of two products after them increase it.
     */
    private void step(int images, int height, int width, int units, int kernel, Activation activation,
            Activation recurrent, ConvolutionTile tile) {
        int pixels = images * height * width;
        int taps = kernel * kernel;
        float[] before = normals(pixels * units, 1);
        float[] w = normals(taps * units * units * 4, 1 / Math.sqrt(taps * units));
        float[] zx = normals(pixels * units * 4, 1);
        float[] cellBefore = normals(pixels * units, 1);

        double[] gates = new double[pixels * units * 4];
        double[] cell = new double[pixels * units];
        double[] hidden = new double[pixels * units];
        for (int p = 0; p < pixels; p++) {
            int y = p / width % height;
            int x = p % width;
            for (int u = 0; u < units; u++) {
                for (int gate = 0; gate < 4; gate++) {
                    double z = zx[(p * units + u) * 4 + gate];
                    for (int tap = 0; tap < taps; tap++) {
                        int dy = tap / kernel - kernel / 2;
                        int dx = tap % kernel - kernel / 2;
                        if (y + dy < 0 || y + dy >= height || x + dx < 0 || x + dx >= width) {
                            continue;
                        }
                        for (int v = 0; v < units; v++) {
                            z += (double) before[(p + dy * width + dx) * units + v]
                                    * w[((tap * units + v) * units + u) * 4 + gate];
                        }
                    }
                    gates[(p * units + u) * 4 + gate] =
                            Activations.activate(gate == 2 ? activation : recurrent, z);
                }
                int at = p * units + u;
                cell[at] = gates[4 * at + 1] * cellBefore[at] + gates[4 * at] * gates[4 * at + 2];
                hidden[at] = gates[4 * at + 3] * Activations.activate(activation, cell[at]);
            }
        }

        DeviceMemory gatesOut = device.unwritten(gates.length);
        DeviceMemory cellOut = device.unwritten(cell.length);
        DeviceMemory hiddenOut = device.unwritten(hidden.length);
        RecurrentStep recurrentStep = new RecurrentStep(device.ops(),
                ConvolutionShape.same(height, width, units, 4 * units, kernel, kernel), tile);
        DeviceMemory hiddenBefore = device.memory(before);
        DeviceMemory weights = device.memory(w);
        DeviceMemory input = device.memory(zx);
        DeviceMemory carried = device.memory(cellBefore);
        recurrentStep.launch(images, hiddenBefore, weights, input, carried, gatesOut, cellOut, hiddenOut, activation,
                recurrent);
        assertClose(gates, read(gatesOut));
        assertClose(cell, read(cellOut));
        assertClose(hidden, read(hiddenOut));

        // Rollout does not store gates.
        DeviceMemory again = device.unwritten(hidden.length);
        recurrentStep.launch(images, hiddenBefore, weights, input, carried, null, cellOut, again, activation,
                recurrent);
        assertArrayEquals(read(hiddenOut), read(again));
    }

    private static void assertClose(double[] expected, float[] actual) {
        assertEquals(expected.length, actual.length);
        for (int i = 0; i < expected.length; i++) {
            assertEquals(expected[i], actual[i], 1e-5 * Math.max(1, Math.abs(expected[i])), "at " + i);
        }
    }
}
