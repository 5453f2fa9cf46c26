package io.framecast.backend.cuda.vendor;

import static io.framecast.backend.cuda.launch.KernelDevice.read;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
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
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import jcuda.jcudnn.cudnnConvolutionBwdDataAlgo;
import jcuda.jcudnn.cudnnConvolutionBwdFilterAlgo;
import jcuda.jcudnn.cudnnConvolutionFwdAlgo;
import jcuda.jcudnn.cudnnHandle;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Convolutions by cuDNN and cuBLAS, or their replacements in the software device, against loops over the definition.
 * Values are integers whose sums are exact in float32 in any order, so results must be equal. One operand has values of
 * up to 13 bits, which TF32 would round to 11.
 */
class VendorConvolutionTest {

    @RegisterExtension
    final KernelDevice device = new KernelDevice();

    private final Random random = new Random(1);
    private VendorConvolutions convolutions;

    @BeforeEach
    void open() {
        convolutions = new VendorConvolutions(device.ops(), new KernelConvolutions(device.ops()), Precision.FP32);
    }

    static Stream<Shape> gates() {
        return Arrays.stream(Shape.values()).filter(shape -> shape.outputs % 4 == 0);
    }

    /** Planned for more images than a call uses. */
    private CudaConvolution convolution(Shape shape, boolean gates) {
        return device.own(convolutions.make(shape.shape, gates, shape.images + 1, shape.images + 3, true));
    }

    private float[] integers(int count, int most) {
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = random.nextInt(2 * most + 1) - most;
        }
        return values;
    }

    private float[] small(int count) {
        return integers(count, 4);
    }

    private float[] large(int count) {
        return integers(count, 5000);
    }

    private static float[] twice(float[] values) {
        float[] doubled = values.clone();
        for (int i = 0; i < doubled.length; i++) {
            doubled[i] *= 2;
        }
        return doubled;
    }

    /** cuBLAS computes matrix products, cuDNN the rest. But cuDNN has no asymmetric padding. */
    @ParameterizedTest
    @EnumSource
    void takesTheLibraryThatHasIt(Shape shape) {
        String expected = switch (shape) {
            case MORE_THAN_A_TILE, ONE_PIXEL -> "CublasConvolution";
            case STRIDED_SAME -> "KernelConvolution";
            default -> "CudnnConvolution";
        };
        assertEquals(expected, convolution(shape, false).getClass().getSimpleName());
    }

    @Test
    void supportsNoUnevenPadding() {
        assertFalse(VendorConvolutions.supports(ConvolutionShape.same(8, 8, 1, 1, 2, 3)));
        assertFalse(VendorConvolutions.supports(ConvolutionShape.same(8, 8, 1, 1, 3, 4)));
        assertTrue(VendorConvolutions.supports(new ConvolutionShape(8, 8, 1, 1, 2, 4, 1, 1, 1, 1, false)));
    }

    @ParameterizedTest
    @EnumSource
    void convolves(Shape shape) {
        float[] x = large(shape.inPixels() * shape.inputs);
        float[] w = small(shape.taps() * shape.inputs * shape.outputs);
        float[] bias = large(shape.outputs);
        float[] sum = new float[shape.outPixels() * shape.outputs];
        shape.forEachProduct((xAt, wAt, yAt) -> sum[yAt] += x[xAt] * w[wAt]);
        float[] biased = sum.clone();
        float[] more = new float[sum.length];
        for (int i = 0; i < sum.length; i++) {
            biased[i] += bias[i % shape.outputs];
            more[i] = biased[i] + sum[i];
        }

        CudaConvolution convolution = convolution(shape, false);
        DeviceMemory input = device.memory(x);
        DeviceMemory weights = device.memory(w);
        DeviceMemory y = device.unwritten(sum.length);
        convolution.forward(shape.images, input, weights, device.memory(bias), y, false);
        assertArrayEquals(biased, read(y));
        convolution.forward(shape.images, input, weights, null, y, true);
        assertArrayEquals(more, read(y));
    }

    @ParameterizedTest
    @EnumSource
    void passesGradientsToItsInput(Shape shape) {
        float[] dy = large(shape.outPixels() * shape.outputs);
        float[] w = small(shape.taps() * shape.inputs * shape.outputs);
        float[] dx = new float[shape.inPixels() * shape.inputs];
        shape.forEachProduct((xAt, wAt, yAt) -> dx[xAt] += dy[yAt] * w[wAt]);

        CudaConvolution convolution = convolution(shape, false);
        DeviceMemory gradient = device.memory(dy);
        DeviceMemory weights = device.memory(w);
        DeviceMemory result = device.unwritten(dx.length);
        convolution.backwardData(shape.images, gradient, weights, result, false);
        assertArrayEquals(dx, read(result));
        convolution.backwardData(shape.images, gradient, weights, result, true);
        assertArrayEquals(twice(dx), read(result));
    }

    @ParameterizedTest
    @EnumSource
    void passesGradientsToItsWeights(Shape shape) {
        float[] x = large(shape.inPixels() * shape.inputs);
        float[] dy = small(shape.outPixels() * shape.outputs);
        float[] dw = new float[shape.taps() * shape.inputs * shape.outputs];
        shape.forEachProduct((xAt, wAt, yAt) -> dw[wAt] += x[xAt] * dy[yAt]);
        assertWeightsGradient(dw, shape, false, x, dy);
    }

    @ParameterizedTest
    @MethodSource("gates")
    void passesGradientsOfGatesToItsWeightsInTheirOrder(Shape shape) {
        float[] x = large(shape.inPixels() * shape.inputs);
        float[] dy = small(shape.outPixels() * shape.outputs);
        int filters = shape.outputs / 4;
        float[] dw = new float[shape.taps() * shape.inputs * shape.outputs];
        shape.forEachProduct((xAt, wAt, yAt) -> {
            int o = wAt % shape.outputs;
            dw[wAt - o + o % 4 * filters + o / 4] += x[xAt] * dy[yAt];
        });
        assertWeightsGradient(dw, shape, true, x, dy);
    }

    private void assertWeightsGradient(float[] expected, Shape shape, boolean gates, float[] x, float[] dy) {
        // A parameter's gradient may have any offset in the common buffer.
        DeviceMemory result = device.unwritten(expected.length + 1).view(4, 4L * expected.length);
        convolution(shape, gates).backwardWeights(shape.images, device.memory(x), device.memory(dy), result);
        assertArrayEquals(expected, read(result));
    }

    /** With values whose sums depend on the order, and in memory with the contents of the previous run. */
    @ParameterizedTest
    @EnumSource(names = {"MANY_TAPS", "MORE_THAN_A_TILE"})
    void givesTheSameBitsEveryTimeAlsoAsAGraph(Shape shape) {
        DeviceMemory x = device.memory(normals(shape.inPixels() * shape.inputs));
        DeviceMemory w = device.memory(normals(shape.taps() * shape.inputs * shape.outputs));
        DeviceMemory bias = device.memory(normals(shape.outputs));
        DeviceMemory y = device.unwritten(shape.outPixels() * shape.outputs);
        DeviceMemory dx = device.unwritten(shape.inPixels() * shape.inputs);
        DeviceMemory dw = device.unwritten(shape.taps() * shape.inputs * shape.outputs);
        CudaConvolution convolution = convolution(shape, true);
        Runnable work = () -> {
            convolution.forward(shape.images, x, w, bias, y, false);
            convolution.backwardData(shape.images, y, w, dx, false);
            convolution.backwardWeights(shape.images, x, y, dw);
        };
        work.run();
        List<DeviceMemory> results = List.of(y, dx, dw);
        List<float[]> first = results.stream().map(KernelDevice::read).toList();
        work.run();
        assertSame(first, results);
        results.forEach(DeviceMemory::clear);
        device.own(device.get().capture(work)).launch();
        assertSame(first, results);
    }

    private static void assertSame(List<float[]> expected, List<DeviceMemory> results) {
        for (int i = 0; i < expected.size(); i++) {
            assertArrayEquals(expected.get(i), read(results.get(i)));
        }
    }

    private float[] normals(int count) {
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return values;
    }

    /**
     * Takes the first algorithm of cuDNN's ranking whose workspace is small enough, but never a nondeterministic one.
     */
    @Test
    void choosesAlgorithms() {
        assumeTrue(TestDevice.SOFTWARE, "another cuDNN ranks otherwise");
        cudnnHandle handle = VendorLibraries.of(device.get()).cudnn();
        try (CudnnDescriptors d = new CudnnDescriptors(Shape.FOURS.shape, Arithmetic.FP32)) {
            d.setImages(2);
            var forward = CudnnDirection.FORWARD.choose(handle, d, 1 << 20);
            assertEquals(cudnnConvolutionFwdAlgo.CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM, forward.algorithm());
            assertEquals(forward, CudnnDirection.FORWARD.choose(handle, d, forward.workspace()));
            assertEquals(new CudnnDirection.Choice(cudnnConvolutionFwdAlgo.CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_GEMM, 0),
                    CudnnDirection.FORWARD.choose(handle, d, forward.workspace() - 1));
            for (long limit : new long[] {0, 1 << 20}) {
                assertEquals(cudnnConvolutionBwdDataAlgo.CUDNN_CONVOLUTION_BWD_DATA_ALGO_1,
                        CudnnDirection.BACKWARD_DATA.choose(handle, d, limit).algorithm());
                assertEquals(cudnnConvolutionBwdFilterAlgo.CUDNN_CONVOLUTION_BWD_FILTER_ALGO_1,
                        CudnnDirection.BACKWARD_WEIGHTS.choose(handle, d, limit).algorithm());
            }
        }
    }

    /** A shape that is not supported. JCuda reports some failures of such calls, and fails itself on others. */
    @ParameterizedTest
    @EnumSource
    void saysWhatCudnnRefuses(CudnnDirection direction) {
        cudnnHandle handle = VendorLibraries.of(device.get()).cudnn();
        try (CudnnDescriptors d = new CudnnDescriptors(Shape.STRIDED_SAME.shape, Arithmetic.FP32)) {
            d.setImages(2);
            String message = assertThrows(FramecastException.class, () -> direction.choose(handle, d, 1 << 20))
                    .getMessage();
            assertTrue(message.matches("cudnnGetConvolution.*Algorithm_v7 failed with .*|"
                    + "cuDNN (has no|does not rank its) algorithm.* of 2 images of 9x8x4 with kernels of 3x3 to 6 "
                    + "channels; use this project's kernels\\."), message);
        }
    }

    @Test
    void givesItsMemoryBack() {
        assumeTrue(TestDevice.SOFTWARE);
        for (Shape shape : List.of(Shape.FOURS, Shape.ONE_PIXEL)) {
            DeviceMemory x = device.memory(small(shape.inPixels() * shape.inputs));
            DeviceMemory w = device.memory(small(shape.taps() * shape.inputs * shape.outputs));
            DeviceMemory y = device.unwritten(shape.outPixels() * shape.outputs);
            String before = SoftGpu.liveAllocations();
            try (CudaConvolution convolution = convolutions.make(shape.shape, false, 1, shape.images, false)) {
                convolution.forward(shape.images, x, w, null, y, false);
            }
            assertEquals(before, SoftGpu.liveAllocations());
        }
    }

    @Test
    void saysWhichCallFailed() {
        assumeTrue(TestDevice.SOFTWARE);
        String full = ".cu failed with CUDA_ERROR_OUT_OF_MEMORY (2), out of memory; end other programs that hold the "
                + "GPU's memory, which nvidia-smi lists, or use another GPU by CUDA_VISIBLE_DEVICES.";
        assertFailure("load:1=CUDA_ERROR_OUT_OF_MEMORY", Shape.FOURS, "cuModuleLoadData of transpose" + full);
        assertFailure("load:2=CUDA_ERROR_OUT_OF_MEMORY", Shape.FOURS, "cuModuleLoadData of bias" + full);
        assertFailure("launch:2=CUDA_ERROR_NOT_PERMITTED", Shape.FOURS, "cudnnConvolutionForward failed with "
                + "CUDNN_STATUS_EXECUTION_FAILED (5000), the work failed on the device.");
        assertFailure("launch:1=CUDA_ERROR_NOT_PERMITTED", Shape.ONE_PIXEL, "cublasGemmEx of 2x3 by 3x1 failed with "
                + "CUBLAS_STATUS_EXECUTION_FAILED (13), the work failed on the device.");
        convolves(Shape.FOURS);
        convolves(Shape.ONE_PIXEL);
    }

    private void assertFailure(String fault, Shape shape, String message) {
        DeviceMemory x = device.memory(small(shape.inPixels() * shape.inputs));
        DeviceMemory w = device.memory(small(shape.taps() * shape.inputs * shape.outputs));
        DeviceMemory y = device.unwritten(shape.outPixels() * shape.outputs);
        SoftGpu.inject(fault);
        try {
            assertEquals(message, assertThrows(FramecastException.class, () -> {
                try (CudaConvolution convolution = convolutions.make(shape.shape, false, 1, shape.images, false)) {
                    convolution.forward(shape.images, x, w, null, y, false);
                }
            }).getMessage());
        } finally {
            SoftGpu.inject(null);
        }
    }

    @Test
    void saysWhereABatchIsTooLarge() {
        ConvolutionShape shape = ConvolutionShape.same(64, 64, 1, 256, 3, 3);
        assertEquals("A convolution over 2048 images has 2147483648 values, and cuDNN takes less than 2^31; choose a "
                + "smaller batch, or this project's kernels.", assertThrows(FramecastException.class,
                () -> convolutions.make(shape, false, 1, 2048, true)).getMessage());
        convolutions.make(shape, false, 1, 2047, true).close();
    }

    @Test
    void isOfNoUseAfterItsDevice() {
        CudaConvolution convolution = convolution(Shape.ONE_PIXEL, false);
        DeviceMemory memory = device.memory(new float[6]);
        device.get().close();
        assertThrows(IllegalStateException.class, () -> convolution.backwardData(1, memory, memory, memory, false));
    }

    @Test
    void saysWhatIsMissing(@TempDir Path directory) throws Exception {
        assertEquals("This machine has no cuDNN 9 (no libabsent.so.9); install cuDNN 9 for CUDA 12 (apt-get install "
                + "libcudnn9-cuda-12, from NVIDIA's repository), or use this project's kernels.",
                assertThrows(FramecastException.class, () -> VendorLibrary.CUDNN.find("libabsent.so.9")).getMessage());
        Path broken = Files.writeString(directory.resolve("libcublas.so.12"), "no library");
        String message = assertThrows(FramecastException.class, () -> VendorLibrary.CUBLAS.find(broken.toString()))
                .getMessage();
        assertTrue(message.startsWith("cuBLAS cannot be loaded: " + broken + ": "), message);
        assertTrue(message.endsWith("; install cuBLAS 12 for CUDA 12 (apt-get install libcublas-12-6, from NVIDIA's "
                + "repository), or use this project's kernels."), message);
    }

    @Test
    void saysWhichVersionIsWrong() {
        VendorLibrary.CUDNN.load();
        VendorLibrary.CUBLAS.load();
        VendorLibrary.CUDNN.requireVersion(9, 0, 0);
        assertEquals("This machine's libcudnn.so.9 is cuDNN 8.9.7, and cuDNN 9 is needed; install cuDNN 9 for CUDA 12 "
                + "(apt-get install libcudnn9-cuda-12, from NVIDIA's repository), or use this project's kernels.",
                assertThrows(FramecastException.class, () -> VendorLibrary.CUDNN.requireVersion(8, 9, 7))
                        .getMessage());
        assertTrue(assertThrows(FramecastException.class, () -> VendorLibrary.CUBLAS.requireVersion(13, 0, 2))
                .getMessage().startsWith("This machine's libcublas.so.12 is cuBLAS 13.0.2, and cuBLAS 12 is needed; "));
    }
}
