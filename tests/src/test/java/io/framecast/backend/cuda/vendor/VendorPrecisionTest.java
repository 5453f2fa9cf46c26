package io.framecast.backend.cuda.vendor;

import static io.framecast.backend.cuda.launch.KernelDevice.read;
import static io.framecast.backend.cuda.vendor.Rounding.operands;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.framecast.FramecastException;
import io.framecast.backend.Precision;
import io.framecast.backend.TestDevice;
import io.framecast.backend.cuda.convolution.ConvolutionShape;
import io.framecast.backend.cuda.convolution.CudaConvolution;
import io.framecast.backend.cuda.convolution.KernelConvolutions;
import io.framecast.backend.cuda.convolution.Shape;
import io.framecast.backend.cuda.driver.DeviceMemory;
import io.framecast.backend.cuda.launch.KernelDevice;
import io.framecast.softgpu.SoftGpu;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.stream.Stream;
import jcuda.jcudnn.cudnnConvolutionBwdDataAlgo;
import jcuda.jcudnn.cudnnConvolutionBwdFilterAlgo;
import jcuda.jcudnn.cudnnConvolutionFwdAlgo;
import jcuda.jcudnn.cudnnHandle;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The libraries' convolutions in bf16 and tf32, against loops over the definition in float64 with operands that the
 * test has rounded itself. A product of two of these is exact in float32, so what remains are the roundings of sums:
 *
 * <ul>
 * <li>A sum of n products in float32, in any order, is off by at most n u times the sum of their magnitudes, with u =
 * 2^-24.
 * <li>cuDNN rounds the sum to bfloat16 if operands are bfloat16. Rounding is monotonic: the result is between the
 * rounded ends of the sum's range.
 * <li>Bias and the old value are added in float32: each of the few additions is off by u times its result.
 * <li>NVIDIA's libraries do not say how they round to TF32. If they cut off bits, each operand differs by up to 2^-10
 * of it. The software device's round to nearest.
 * </ul>
 */
class VendorPrecisionTest {

    private static final double U = Math.scalb(1, -24);

    @RegisterExtension
    final KernelDevice device = new KernelDevice();

    private final Random random = new Random(2);

    static Stream<Arguments> cases() {
        return Stream.of(Precision.BF16, Precision.TF32).flatMap(precision -> Arrays.stream(Shape.values())
                .filter(shape -> VendorConvolutions.supports(shape.shape)).map(s -> Arguments.of(precision, s)));
    }

    static Stream<Arguments> gates() {
        return cases().filter(c -> ((Shape) c.get()[1]).outputs % 4 == 0);
    }

    private VendorConvolutions convolutions(Precision precision) {
        return new VendorConvolutions(device.ops(), new KernelConvolutions(device.ops()), precision);
    }

    /** Planned for more images than a call uses. */
    private CudaConvolution convolution(Precision precision, Shape shape, boolean gates) {
        return device.own(convolutions(precision).make(shape.shape, gates, shape.images + 1, shape.images + 3, true));
    }

    /** Normal values. Some are ties: halfway between two bfloat16 or tf32 numbers. */
    private float[] values(int count) {
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            float odd = 2 * random.nextInt(128) + 1;
            values[i] = switch (i % 4) {
                case 0 -> Math.scalb(256 + odd, -8) * (random.nextBoolean() ? 1 : -1);
                case 1 -> Math.scalb(2048 + odd, -11) * (random.nextBoolean() ? 1 : -1);
                default -> (float) random.nextGaussian();
            };
        }
        return values;
    }

    /** Sums of products of rounded operands, their magnitudes, and their number, for each value of a result. */
    private static final class Sums {
        final double[] sum;
        final double[] magnitude;
        final int[] terms;

        Sums(int size) {
            sum = new double[size];
            magnitude = new double[size];
            terms = new int[size];
        }

        void add(int at, double a, double b) {
            sum[at] += a * b;
            magnitude[at] += Math.abs(a * b);
            terms[at]++;
        }
    }

    /**
     * Checks a result, which is sum + bias + old.
     *
     * @param bias of each value, or null
     * @param old the values before, or null
     */
    private static void assertWithin(Precision precision, Shape shape, Sums sums, float[] bias, float[] old,
            float[] actual) {
        boolean rounded = precision == Precision.BF16 && !isProduct(shape);
        double otherRounding = precision == Precision.TF32 && !TestDevice.SOFTWARE ? 2.01 * Math.scalb(1, -10) : 0;
        assertEquals(sums.sum.length, actual.length);
        for (int i = 0; i < actual.length; i++) {
            double off = (sums.terms[i] * U + otherRounding) * sums.magnitude[i];
            double low = sums.sum[i] - off;
            double high = sums.sum[i] + off;
            if (rounded) {
                low = Rounding.operand(precision, low);
                high = Rounding.operand(precision, high);
            }
            double others = (bias == null ? 0 : bias[i % bias.length]) + (old == null ? 0 : old[i]);
            double slack = 4 * U * (Math.max(Math.abs(low), Math.abs(high))
                    + (bias == null ? 0 : Math.abs(bias[i % bias.length])) + (old == null ? 0 : Math.abs(old[i])));
            double value = actual[i] - others;
            assertTrue(value >= low - slack && value <= high + slack, precision + " of " + shape + ": value " + i
                    + " is " + value + ", not between " + low + " and " + high + " within " + slack);
        }
    }

    /** Whether it is one matrix product, by cuBLAS. */
    private static boolean isProduct(Shape shape) {
        return shape.taps() == 1 && shape.strideHeight == 1 && shape.strideWidth == 1;
    }

    @ParameterizedTest
    @MethodSource("cases")
    void convolves(Precision precision, Shape shape) {
        float[] x = values(shape.inPixels() * shape.inputs);
        float[] w = values(shape.taps() * shape.inputs * shape.outputs);
        float[] bias = values(shape.outputs);
        Sums sums = new Sums(shape.outPixels() * shape.outputs);
        float[] rx = operands(precision, x);
        float[] rw = operands(precision, w);
        shape.forEachProduct((xAt, wAt, yAt) -> sums.add(yAt, rx[xAt], rw[wAt]));

        CudaConvolution convolution = convolution(precision, shape, false);
        DeviceMemory input = device.memory(x);
        DeviceMemory weights = device.memory(w);
        DeviceMemory y = device.unwritten(sums.sum.length);
        convolution.forward(shape.images, input, weights, device.memory(bias), y, false);
        float[] first = read(y);
        assertWithin(precision, shape, sums, bias, null, first);
        convolution.forward(shape.images, input, weights, null, y, true);
        assertWithin(precision, shape, sums, null, first, read(y));
        convolution.forward(shape.images, input, weights, null, y, false);
        assertWithin(precision, shape, sums, null, null, read(y));
    }

    @ParameterizedTest
    @MethodSource("cases")
    void passesGradientsToItsInput(Precision precision, Shape shape) {
        float[] dy = values(shape.outPixels() * shape.outputs);
        float[] w = values(shape.taps() * shape.inputs * shape.outputs);
        Sums sums = new Sums(shape.inPixels() * shape.inputs);
        float[] rdy = operands(precision, dy);
        float[] rw = operands(precision, w);
        shape.forEachProduct((xAt, wAt, yAt) -> sums.add(xAt, rdy[yAt], rw[wAt]));

        CudaConvolution convolution = convolution(precision, shape, false);
        DeviceMemory gradient = device.memory(dy);
        DeviceMemory weights = device.memory(w);
        DeviceMemory result = device.unwritten(sums.sum.length);
        convolution.backwardData(shape.images, gradient, weights, result, false);
        float[] first = read(result);
        assertWithin(precision, shape, sums, null, null, first);
        convolution.backwardData(shape.images, gradient, weights, result, true);
        assertWithin(precision, shape, sums, null, first, read(result));
    }

    @ParameterizedTest
    @MethodSource("cases")
    void passesGradientsToItsWeights(Precision precision, Shape shape) {
        assertWeightsGradient(precision, shape, false);
    }

    @ParameterizedTest
    @MethodSource("gates")
    void passesGradientsOfGatesToItsWeightsInTheirOrder(Precision precision, Shape shape) {
        assertWeightsGradient(precision, shape, true);
    }

    private void assertWeightsGradient(Precision precision, Shape shape, boolean gates) {
        float[] x = values(shape.inPixels() * shape.inputs);
        float[] dy = values(shape.outPixels() * shape.outputs);
        Sums sums = new Sums(shape.taps() * shape.inputs * shape.outputs);
        float[] rx = operands(precision, x);
        float[] rdy = operands(precision, dy);
        int filters = shape.outputs / 4;
        shape.forEachProduct((xAt, wAt, yAt) -> {
            int o = wAt % shape.outputs;
            sums.add(gates ? wAt - o + o % 4 * filters + o / 4 : wAt, rx[xAt], rdy[yAt]);
        });
        // A parameter's gradient may have any offset in the common buffer.
        DeviceMemory result = device.unwritten(sums.sum.length + 1).view(4, 4L * sums.sum.length);
        convolution(precision, shape, gates).backwardWeights(shape.images, device.memory(x), device.memory(dy), result);
        assertWithin(precision, shape, sums, null, null, read(result));
    }

    /** All channels are whole vectors of tensor cores, or become so in packed copies. */
    @ParameterizedTest
    @MethodSource("cases")
    void takesTheLibraryThatHasIt(Precision precision, Shape shape) {
        boolean fours = shape.inputs % 4 == 0 && shape.outputs % 4 == 0;
        assertEquals(isProduct(shape) ? "CublasConvolution" : precision == Precision.TF32 && fours ? "CudnnConvolution"
                : "PackedConvolution", convolution(precision, shape, false).getClass().getSimpleName());
    }

    @ParameterizedTest
    @EnumSource(names = {"BF16", "TF32"})
    void givesTheSameBitsEveryTimeAlsoAsAGraph(Precision precision) {
        for (Shape shape : List.of(Shape.ODD_CHANNELS_STRIDED, Shape.MANY_TAPS, Shape.MORE_THAN_A_TILE)) {
            DeviceMemory x = device.memory(values(shape.inPixels() * shape.inputs));
            DeviceMemory w = device.memory(values(shape.taps() * shape.inputs * shape.outputs));
            DeviceMemory bias = device.memory(values(shape.outputs));
            DeviceMemory y = device.unwritten(shape.outPixels() * shape.outputs);
            DeviceMemory dx = device.unwritten(shape.inPixels() * shape.inputs);
            DeviceMemory dw = device.unwritten(shape.taps() * shape.inputs * shape.outputs);
            CudaConvolution convolution = convolution(precision, shape, false);
            Runnable work = () -> {
                convolution.forward(shape.images, x, w, bias, y, false);
                convolution.backwardData(shape.images, y, w, dx, false);
                convolution.backwardWeights(shape.images, x, y, dw);
            };
            work.run();
            List<DeviceMemory> results = List.of(y, dx, dw);
            List<float[]> first = results.stream().map(KernelDevice::read).toList();
            results.forEach(DeviceMemory::clear);
            device.own(device.get().capture(work)).launch();
            for (int i = 0; i < first.size(); i++) {
                assertArrayEquals(first.get(i), read(results.get(i)));
            }
        }
    }

    /** The ranking's other algorithms, some of which need no workspace, are not on tensor cores. */
    @ParameterizedTest
    @EnumSource(names = {"BF16", "TF32"})
    void choosesAlgorithmsOnTensorCores(Precision precision) {
        cudnnHandle handle = VendorLibraries.of(device.get()).cudnn();
        Arithmetic arithmetic = Arithmetic.of(precision);
        ConvolutionShape eights = ConvolutionShape.same(9, 7, 16, 8, 3, 3);
        try (CudnnDescriptors d = new CudnnDescriptors(eights, arithmetic)) {
            d.setImages(2);
            for (long limit : new long[] {0, 1 << 30}) {
                assertEquals(cudnnConvolutionFwdAlgo.CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM,
                        CudnnDirection.FORWARD.choose(handle, d, limit).algorithm());
                assertEquals(cudnnConvolutionBwdDataAlgo.CUDNN_CONVOLUTION_BWD_DATA_ALGO_1,
                        CudnnDirection.BACKWARD_DATA.choose(handle, d, limit).algorithm());
                assertEquals(cudnnConvolutionBwdFilterAlgo.CUDNN_CONVOLUTION_BWD_FILTER_ALGO_1,
                        CudnnDirection.BACKWARD_WEIGHTS.choose(handle, d, limit).algorithm());
            }
        }
    }

    /** Channels that are not whole vectors: cuDNN says that it would compute without tensor cores. */
    @ParameterizedTest
    @EnumSource(names = {"BF16", "TF32"})
    void takesNoAlgorithmThatIsReportedWithoutTensorCores(Precision precision) {
        assumeTrue(TestDevice.SOFTWARE, "another cuDNN may have such kernels");
        cudnnHandle handle = VendorLibraries.of(device.get()).cudnn();
        Arithmetic arithmetic = Arithmetic.of(precision);
        try (CudnnDescriptors d = new CudnnDescriptors(ConvolutionShape.same(9, 7, 3, 5, 3, 3), arithmetic)) {
            d.setImages(2);
            assertEquals("cuDNN has no algorithm in " + arithmetic + " that gives the same result every time for "
                    + "backward weights of 2 images of 9x7x3 with kernels of 3x3 to 5 channels; use this "
                    + "project's kernels.",
                    assertThrows(FramecastException.class,
                            () -> CudnnDirection.BACKWARD_WEIGHTS.choose(handle, d, 1 << 30)).getMessage());
        }
    }

    /** Not silently in fp32 by this project's kernels. */
    @ParameterizedTest
    @EnumSource(names = {"BF16", "TF32"})
    void refusesUnevenPadding(Precision precision) {
        String message = assertThrows(FramecastException.class,
                () -> convolution(precision, Shape.STRIDED_SAME, false)).getMessage();
        assertEquals("cuDNN does not compute a convolution of 3x3 that pads frames of 9x8 more on one side than on the "
                + "other, so it cannot be in " + precision.name().toLowerCase(Locale.ROOT) + "; use this "
                + "project's kernels.", message);
    }

    @ParameterizedTest
    @EnumSource(names = {"BF16", "TF32"})
    void saysWhereABatchIsTooLarge(Precision precision) {
        // One output channel is padded to 8 in bfloat16, or to 4.
        ConvolutionShape shape = ConvolutionShape.same(64, 64, 1, 1, 3, 3);
        int most = precision == Precision.BF16 ? 1 << 16 : 1 << 17;
        assertEquals("A convolution over " + most + " images has 2147483648 values, and cuDNN takes less than 2^31; "
                + "choose a smaller batch.", assertThrows(FramecastException.class,
                () -> convolutions(precision).make(shape, false, 1, most, true)).getMessage());
    }

    @ParameterizedTest
    @EnumSource(names = {"BF16", "TF32"})
    void givesItsMemoryBack(Precision precision) {
        assumeTrue(TestDevice.SOFTWARE);
        for (Shape shape : List.of(Shape.FOURS, Shape.ONE_CHANNEL, Shape.ONE_PIXEL)) {
            DeviceMemory x = device.memory(values(shape.inPixels() * shape.inputs));
            DeviceMemory w = device.memory(values(shape.taps() * shape.inputs * shape.outputs));
            DeviceMemory y = device.unwritten(shape.outPixels() * shape.outputs);
            String before = SoftGpu.liveAllocations();
            try (CudaConvolution c = convolutions(precision).make(shape.shape, false, shape.images, 1, false)) {
                c.forward(shape.images, x, w, null, y, false);
            }
            assertEquals(before, SoftGpu.liveAllocations());
        }
    }
}
