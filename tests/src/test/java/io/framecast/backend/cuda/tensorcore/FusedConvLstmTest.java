package io.framecast.backend.cuda.tensorcore;

import static io.framecast.backend.cuda.launch.KernelDevice.read;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.framecast.backend.Activation;
import io.framecast.backend.ConvLstmSpec;
import io.framecast.backend.cuda.convolution.ConvolutionShape;
import io.framecast.backend.cuda.driver.DeviceMemory;
import io.framecast.backend.cuda.launch.Activations;
import io.framecast.backend.cuda.launch.KernelDevice;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * A frame of a ConvLSTM on tensor cores against loops in float64 over its definition, which round nothing but the
 * operands that are given: inputs, hidden states, dz and weights.
 *
 * <p>Values are of order 1, and z is a sum of n products of order 1/sqrt(n). So its float32 error is a few times
 * sqrt(n) * 2^-24 < 1e-5. What follows, the activations and sums of a few products, does not increase it much.
 */
@ParameterizedClass(name = "{0}")
@EnumSource
class FusedConvLstmTest {

    private static final double TOLERANCE = 2e-5;

    private static final TensorCoreTile SMALL = TensorCoreTile.ROWS.stream().filter(tile -> tile.rows() == 64).findAny()
            .orElseThrow();

    @Parameter
    Operand operand;

    @RegisterExtension
    final KernelDevice device = new KernelDevice();

    private final Random random = new Random(1);

    private float[] normals(int count, double scale) {
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = (float) (scale * random.nextGaussian());
        }
        return values;
    }

    /** Values that are operands. */
    private float[] operands(int count, double scale) {
        float[] values = normals(count, scale);
        for (int i = 0; i < count; i++) {
            values[i] = Operands.rounded(operand, values[i]);
        }
        return values;
    }

    static Stream<TensorCoreTile> stepTiles() {
        return TensorCoreTile.STEP.stream();
    }

    static Stream<TensorCoreTile> rowTiles() {
        return TensorCoreTile.ROWS.stream();
    }

    @ParameterizedTest
    @MethodSource("stepTiles")
    void stepsWithAnyTile(TensorCoreTile tile) {
        step(spec(9, 14, 5, 72, 3, 1, Activation.TANH, Activation.SIGMOID), 1, tile);
        step(spec(9, 7, 16, 5, 5, 1, Activation.RELU, Activation.HARD_SIGMOID), 2, tile);
    }

    @ParameterizedTest
    @MethodSource("rowTiles")
    void goesBackWithAnyTile(TensorCoreTile tile) {
        backwardStep(spec(9, 15, 3, 68, 3, 1, Activation.TANH, Activation.SIGMOID), 1, tile);
        backwardStep(spec(9, 7, 3, 5, 5, 1, Activation.RELU, Activation.HARD_SIGMOID), 2, tile);
    }

    @ParameterizedTest
    @EnumSource
    void takesAnyActivation(Activation activation) {
        for (boolean recurrent : new boolean[] {false, true}) {
            ConvLstmSpec spec = spec(6, 7, 8, 8, 3, 1, recurrent ? Activation.TANH : activation,
                    recurrent ? activation : Activation.SIGMOID);
            step(spec, 1, TensorCoreTile.STEP.get(TensorCoreTile.STEP.size() - 1));
            backwardStep(spec, 1, SMALL);
        }
    }

    /** The input convolution has strides, the recurrent one has none. */
    @ParameterizedTest
    @EnumSource(names = "TANH")
    void takesStrides(Activation activation) {
        ConvLstmSpec spec = spec(11, 9, 9, 12, 3, 2, activation, Activation.SIGMOID);
        step(spec, 2, TensorCoreTile.STEP.get(TensorCoreTile.STEP.size() - 1));
        backwardStep(spec, 2, SMALL);
    }

    private static ConvLstmSpec spec(int height, int width, int channels, int filters, int kernel, int stride,
            Activation activation, Activation recurrent) {
        return new ConvLstmSpec(height, width, channels, filters, kernel, kernel, stride, stride, 1, 1, true,
                activation, recurrent);
    }

    private static ConvolutionShape shape(ConvLstmSpec spec) {
        return new ConvolutionShape(spec.height(), spec.width(), spec.channels(), 4 * spec.filters(),
                spec.kernelHeight(), spec.kernelWidth(), spec.strideHeight(), spec.strideWidth(), 1, 1, true);
    }

    private FusedConvLstm kernels(ConvLstmSpec spec, TensorCoreTile step, TensorCoreTile backward) {
        return device.own(new FusedConvLstm(device.ops(), operand, spec, shape(spec), true,
                new FusedConvLstm.Tiles(step, backward)));
    }

    /** z (pixels, outputs) += the convolution of x (pixels, inputs), or dx += that of dz transposed. */
    private static void convolve(ConvolutionShape s, int images, float[] x, float[] w, double[] z, float[] dz,
            double[] dx) {
        for (int p = 0; p < images * s.outPixels(); p++) {
            int image = p / s.outPixels();
            for (int tap = 0; tap < s.taps(); tap++) {
                int y = p % s.outPixels() / s.outWidth() * s.strideHeight() - s.padTop() + tap / s.kernelWidth();
                int column = p % s.outWidth() * s.strideWidth() - s.padLeft() + tap % s.kernelWidth();
                if (y < 0 || y >= s.height() || column < 0 || column >= s.width()) {
                    continue;
                }
                int from = (image * s.pixels() + y * s.width() + column) * s.inputs();
                for (int i = 0; i < s.inputs(); i++) {
                    for (int o = 0; o < s.outputs(); o++) {
                        float weight = w[(tap * s.inputs() + i) * s.outputs() + o];
                        if (z != null) {
                            z[p * s.outputs() + o] += (double) x[from + i] * weight;
                        } else {
                            dx[from + i] += (double) dz[p * s.outputs() + o] * weight;
                        }
                    }
                }
            }
        }
    }

    private static ConvolutionShape recurrent(ConvLstmSpec spec) {
        ConvolutionShape s = shape(spec);
        return ConvolutionShape.same(s.outHeight(), s.outWidth(), spec.filters(), 4 * spec.filters(),
                spec.kernelHeight(), spec.kernelWidth());
    }

    private void step(ConvLstmSpec spec, int images, TensorCoreTile tile) {
        ConvolutionShape s = shape(spec);
        int filters = spec.filters();
        int pixels = images * s.outPixels();
        double products = s.taps() * (spec.channels() + filters);
        float[] x = operands(images * s.pixels() * spec.channels(), 1);
        float[] w = operands((int) s.weightsSize(), 1 / Math.sqrt(products));
        float[] before = operands(pixels * filters, 1);
        float[] v = operands((int) recurrent(spec).weightsSize(), 1 / Math.sqrt(products));
        float[] bias = normals(4 * filters, 1);
        float[] cellBefore = normals(pixels * filters, 1);

        FusedConvLstm kernels = kernels(spec, tile, SMALL);
        kernels.pack(device.memory(w), device.memory(v));
        DeviceMemory input = Operands.pack(device, operand, x, spec.channels());
        DeviceMemory hiddenBefore = Operands.pack(device, operand, before, filters);
        DeviceMemory offset = device.memory(bias);
        DeviceMemory gates = device.unwritten(4 * pixels * filters);
        DeviceMemory cell = device.unwritten(pixels * filters);
        DeviceMemory hidden = Operands.zeros(device, operand, pixels, filters);
        DeviceMemory output = device.unwritten(pixels * filters);
        for (boolean first : new boolean[] {true, false}) {
            double[] z = new double[pixels * 4 * filters];
            for (int i = 0; i < z.length; i++) {
                z[i] = bias[i % (4 * filters)];
            }
            convolve(s, images, x, w, z, null, null);
            if (!first) {
                convolve(recurrent(spec), images, before, v, z, null, null);
            }
            double[] expectedCell = new double[pixels * filters];
            double[] expectedHidden = new double[pixels * filters];
            for (int i = 0; i < expectedCell.length; i++) {
                int at = i / filters * 4 * filters + i % filters;
                for (int gate = 0; gate < 4; gate++) {
                    z[at + gate * filters] = Activations.activate(
                            gate == 2 ? spec.activation() : spec.recurrentActivation(), z[at + gate * filters]);
                }
                expectedCell[i] = (first ? 0 : z[at + filters] * cellBefore[i]) + z[at] * z[at + 2 * filters];
                expectedHidden[i] = z[at + 3 * filters] * Activations.activate(spec.activation(), expectedCell[i]);
            }
            // The cell in place of the one before, as in rollout.
            cell.write(0, cellBefore, 0, cellBefore.length);
            kernels.step(images, input, first ? null : hiddenBefore, offset, first ? null : cell, gates, cell, hidden,
                    output);
            assertClose("gates", z, read(gates));
            assertClose("cell", expectedCell, read(cell));
            float[] h = read(output);
            assertClose("hidden", expectedHidden, h);
            for (int i = 0; i < h.length; i++) {
                h[i] = Operands.rounded(operand, h[i]);
            }
            assertArrayEquals(h, Operands.unpack(operand, hidden, pixels, filters), "operands");
        }
        // Rollout keeps no gates, and wants no float output where the operands are enough.
        cell.write(0, cellBefore, 0, cellBefore.length);
        DeviceMemory again = Operands.zeros(device, operand, pixels, filters);
        kernels.step(images, input, hiddenBefore, offset, cell, null, cell, again, null);
        assertArrayEquals(read(hidden), read(again));
    }

    private void backwardStep(ConvLstmSpec spec, int images, TensorCoreTile tile) {
        ConvolutionShape s = recurrent(spec);
        int filters = spec.filters();
        int pixels = images * s.pixels();
        float[] dzAfter = operands(pixels * 4 * filters, 1);
        float[] v = operands((int) s.weightsSize(), 1 / Math.sqrt(s.taps() * 4.0 * filters));
        float[] gates = normals(pixels * 4 * filters, 0.4);
        for (int i = 0; i < gates.length; i++) {
            Activation activation = i / filters % 4 == 2 ? spec.activation() : spec.recurrentActivation();
            gates[i] = (float) Activations.activate(activation, gates[i]);
        }
        float[] cellBefore = normals(pixels * filters, 1);
        float[] dHidden = normals(pixels * filters, 1);
        float[] dCellAfter = normals(pixels * filters, 1);

        FusedConvLstm kernels = kernels(spec, TensorCoreTile.STEP.get(TensorCoreTile.STEP.size() - 1), tile);
        kernels.pack(device.memory(new float[(int) shape(spec).weightsSize()]), device.memory(v));
        DeviceMemory after = Operands.pack(device, operand, dzAfter, 4 * filters);
        DeviceMemory kept = device.memory(gates);
        DeviceMemory cBefore = device.memory(cellBefore);
        DeviceMemory dh = device.memory(dHidden);
        int parts = kernels.biasParts(images);
        for (int frame = 0; frame < 3; frame++) {
            boolean last = frame == 0;
            boolean first = frame == 2;
            double[] gradient = new double[pixels * filters];
            for (int i = 0; i < gradient.length; i++) {
                gradient[i] = dHidden[i];
            }
            if (!last) {
                convolve(s, images, null, v, null, dzAfter, gradient);
            }
            double[] dz = new double[gates.length];
            double[] dCellBefore = new double[cellBefore.length];
            for (int i = 0; i < cellBefore.length; i++) {
                int at = i / filters * 4 * filters + i % filters;
                double in = gates[at];
                double forget = gates[at + filters];
                double candidate = gates[at + 2 * filters];
                double out = gates[at + 3 * filters];
                double before = first ? 0 : cellBefore[i];
                double a = Activations.activate(spec.activation(), forget * before + in * candidate);
                double dc = (last ? 0 : dCellAfter[i])
                        + gradient[i] * out * Activations.derivative(spec.activation(), a);
                dz[at] = dc * candidate * Activations.derivative(spec.recurrentActivation(), in);
                dz[at + filters] = dc * before * Activations.derivative(spec.recurrentActivation(), forget);
                dz[at + 2 * filters] = dc * in * Activations.derivative(spec.activation(), candidate);
                dz[at + 3 * filters] = gradient[i] * a * Activations.derivative(spec.recurrentActivation(), out);
                dCellBefore[i] = dc * forget;
            }
            DeviceMemory dCell = device.memory(dCellAfter);
            DeviceMemory result = Operands.zeros(device, operand, pixels, 4 * filters);
            DeviceMemory biasSums = device.unwritten(parts * 4 * filters);
            kernels.backwardStep(images, last ? null : after, kept, first ? null : cBefore, dh, dCell, result,
                    biasSums);
            float[] actual = Operands.unpack(operand, result, pixels, 4 * filters);
            double[] sums = new double[4 * filters];
            for (int i = 0; i < dz.length; i++) {
                assertEquals(dz[i], actual[i], (TOLERANCE + Operands.roundoff(operand)) * Math.max(1, Math.abs(dz[i])),
                        "dz at " + i);
                sums[i % sums.length] += actual[i];
            }
            if (!first) {
                assertClose("dc", dCellBefore, read(dCell));
            }
            float[] total = new float[sums.length];
            float[] all = read(biasSums);
            for (int i = 0; i < all.length; i++) {
                total[i % total.length] += all[i];
            }
            // Float32 sums of as many values of order 1 as there are pixels.
            for (int i = 0; i < sums.length; i++) {
                assertEquals(sums[i], total[i], 1e-6 * pixels, "bias sum " + i);
            }
        }
    }

    private static void assertClose(String what, double[] expected, float[] actual) {
        assertEquals(expected.length, actual.length);
        for (int i = 0; i < expected.length; i++) {
            assertEquals(expected[i], actual[i], TOLERANCE * Math.max(1, Math.abs(expected[i])), what + " at " + i);
        }
    }
}
