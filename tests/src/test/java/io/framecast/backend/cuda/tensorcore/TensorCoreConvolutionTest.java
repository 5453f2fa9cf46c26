package io.framecast.backend.cuda.tensorcore;

import static io.framecast.backend.cuda.launch.KernelDevice.read;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import io.framecast.backend.Tensor;
import io.framecast.backend.cuda.convolution.Shape;
import io.framecast.backend.cuda.driver.DeviceMemory;
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
 * Convolutions on tensor cores against loops over their definition. Values are small integers, which are operands as
 * they are, and whose sums float32 holds exactly in any order: results must be equal.
 */
@ParameterizedClass(name = "{0}")
@EnumSource
class TensorCoreConvolutionTest {

    @Parameter
    Operand operand;

    @RegisterExtension
    final KernelDevice device = new KernelDevice();

    private final Random random = new Random(1);

    private TensorCoreConvolution convolution(Shape shape, int images) {
        return device.own(TensorCoreConvolution.of(device.ops(), operand, shape.shape, images, true));
    }

    private float[] integers(int count) {
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = random.nextInt(9) - 4;
        }
        return values;
    }

    private Tensor tensor(float[] values) {
        Tensor tensor = device.own(device.ops().zeros(values.length));
        tensor.write(values);
        return tensor;
    }

    @ParameterizedTest
    @EnumSource
    void convolvesAndPassesGradients(Shape shape) {
        check(shape, convolution(shape, shape.images));
    }

    /** A plan for more images has larger tiles, and more splits of the sums for the weights. */
    @ParameterizedTest
    @EnumSource
    void servesFewerImagesThanPlanned(Shape shape) {
        check(shape, convolution(shape, 40 * shape.images));
    }

    static Stream<TensorCoreTile> rowTiles() {
        return TensorCoreTile.ROWS.stream();
    }

    static Stream<TensorCoreTile> weightTiles() {
        return TensorCoreTile.WEIGHTS.stream();
    }

    @ParameterizedTest
    @MethodSource("rowTiles")
    void anyTileWillDo(TensorCoreTile tile) {
        withTiles(new TensorCoreConvolution.Tiles(tile, tile, TensorCoreTile.WEIGHTS.get(0)));
    }

    @ParameterizedTest
    @MethodSource("weightTiles")
    void anyTileWillDoForTheWeights(TensorCoreTile tile) {
        withTiles(new TensorCoreConvolution.Tiles(TensorCoreTile.ROWS.get(0), TensorCoreTile.ROWS.get(0), tile));
    }

    private void withTiles(TensorCoreConvolution.Tiles tiles) {
        for (Shape shape : new Shape[] {Shape.TILES, Shape.ODD_TILES, Shape.SHORT_LAST_STEP}) {
            check(shape, device.own(
                    TensorCoreConvolution.of(device.ops(), operand, shape.shape, shape.images, true, tiles)));
        }
    }

    /** Splits of more steps than there are stages; here over the same images repeated. */
    @ParameterizedTest
    @EnumSource(names = {"TILES", "ODD_TILES"})
    void passesGradientsOfManyImagesToItsWeights(Shape shape) {
        int times = 24;
        float[] x = integers(shape.inPixels() * shape.inputs);
        float[] dy = integers(shape.outPixels() * shape.outputs);
        float[] dw = new float[shape.taps() * shape.inputs * shape.outputs];
        shape.forEachProduct((xAt, wAt, yAt) -> dw[wAt] += times * x[xAt] * dy[yAt]);
        TensorCoreConvolution convolution = convolution(shape, times * shape.images);
        DeviceMemory result = device.unwritten(dw.length);
        convolution.backwardWeights(times * shape.images,
                convolution.input(times * shape.images, tensor(Shape.repeat(x, times))),
                device.memory(Shape.repeat(dy, times)), result);
        assertArrayEquals(dw, read(result));
    }

    private void check(Shape shape, TensorCoreConvolution convolution) {
        float[] x = integers(shape.inPixels() * shape.inputs);
        float[] w = integers(shape.taps() * shape.inputs * shape.outputs);
        float[] bias = integers(shape.outputs);
        float[] y = new float[shape.outPixels() * shape.outputs];
        for (int i = 0; i < y.length; i++) {
            y[i] = bias[i % shape.outputs];
        }
        float[] dy = integers(y.length);
        float[] dx = new float[x.length];
        float[] dw = new float[w.length];
        shape.forEachProduct((xAt, wAt, yAt) -> {
            y[yAt] += x[xAt] * w[wAt];
            dx[xAt] += dy[yAt] * w[wAt];
            dw[wAt] += x[xAt] * dy[yAt];
        });

        Tensor input = tensor(x);
        DeviceMemory weights = device.memory(w);
        DeviceMemory gradient = device.memory(dy);
        DeviceMemory output = device.unwritten(y.length);
        convolution.forward(shape.images, convolution.input(shape.images, input), weights, device.memory(bias), output,
                false);
        assertArrayEquals(y, read(output), "y");
        DeviceMemory inputGradient = device.unwritten(dx.length);
        convolution.backwardData(shape.images, gradient, weights, inputGradient, false);
        assertArrayEquals(dx, read(inputGradient), "dx");
        // A parameter's gradient may have any offset in the common buffer.
        DeviceMemory weightsGradient = device.unwritten(dw.length + 1).view(4, 4L * dw.length);
        convolution.backwardWeights(shape.images, convolution.input(shape.images, input), gradient, weightsGradient);
        assertArrayEquals(dw, read(weightsGradient), "dw");
    }
}
