package io.framecast.softgpu;

import static io.framecast.softgpu.Cudnn.BAD_PARAM;
import static io.framecast.softgpu.Cudnn.NOT_SUPPORTED;
import static io.framecast.softgpu.Cudnn.ok;
import static io.framecast.softgpu.SoftDevice.check;
import static jcuda.driver.JCudaDriver.cuStreamCreate;
import static jcuda.driver.JCudaDriver.cuStreamDestroy;
import static jcuda.jcudnn.JCudnn.cudnnActivationBackward;
import static jcuda.jcudnn.JCudnn.cudnnActivationForward;
import static jcuda.jcudnn.JCudnn.cudnnAddTensor;
import static jcuda.jcudnn.JCudnn.cudnnBatchNormalizationBackward;
import static jcuda.jcudnn.JCudnn.cudnnBatchNormalizationForwardInference;
import static jcuda.jcudnn.JCudnn.cudnnBatchNormalizationForwardTraining;
import static jcuda.jcudnn.JCudnn.cudnnConvolutionBackwardBias;
import static jcuda.jcudnn.JCudnn.cudnnCreate;
import static jcuda.jcudnn.JCudnn.cudnnCreateRNNDescriptor;
import static jcuda.jcudnn.JCudnn.cudnnDeriveBNTensorDescriptor;
import static jcuda.jcudnn.JCudnn.cudnnDestroy;
import static jcuda.jcudnn.JCudnn.cudnnGetActivationDescriptor;
import static jcuda.jcudnn.JCudnn.cudnnGetConvolutionNdDescriptor;
import static jcuda.jcudnn.JCudnn.cudnnGetErrorString;
import static jcuda.jcudnn.JCudnn.cudnnGetFilterNdDescriptor;
import static jcuda.jcudnn.JCudnn.cudnnGetFilterSizeInBytes;
import static jcuda.jcudnn.JCudnn.cudnnGetStream;
import static jcuda.jcudnn.JCudnn.cudnnGetTensor4dDescriptor;
import static jcuda.jcudnn.JCudnn.cudnnGetTensorNdDescriptor;
import static jcuda.jcudnn.JCudnn.cudnnGetTensorSizeInBytes;
import static jcuda.jcudnn.JCudnn.cudnnGetVersion;
import static jcuda.jcudnn.JCudnn.cudnnScaleTensor;
import static jcuda.jcudnn.JCudnn.cudnnSetActivationDescriptor;
import static jcuda.jcudnn.JCudnn.cudnnSetConvolution2dDescriptor;
import static jcuda.jcudnn.JCudnn.cudnnSetConvolutionGroupCount;
import static jcuda.jcudnn.JCudnn.cudnnSetConvolutionMathType;
import static jcuda.jcudnn.JCudnn.cudnnSetConvolutionNdDescriptor;
import static jcuda.jcudnn.JCudnn.cudnnSetFilter4dDescriptor;
import static jcuda.jcudnn.JCudnn.cudnnSetStream;
import static jcuda.jcudnn.JCudnn.cudnnSetTensor;
import static jcuda.jcudnn.JCudnn.cudnnSetTensor4dDescriptor;
import static jcuda.jcudnn.JCudnn.cudnnSetTensor4dDescriptorEx;
import static jcuda.jcudnn.JCudnn.cudnnSetTensorNdDescriptor;
import static jcuda.jcudnn.JCudnn.cudnnSoftmaxBackward;
import static jcuda.jcudnn.JCudnn.cudnnTransformTensor;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.DoubleUnaryOperator;
import java.util.stream.IntStream;
import jcuda.Pointer;
import jcuda.driver.CUresult;
import jcuda.driver.CUstream;
import jcuda.driver.CUstream_flags;
import jcuda.jcudnn.cudnnActivationDescriptor;
import jcuda.jcudnn.cudnnActivationMode;
import jcuda.jcudnn.cudnnBatchNormMode;
import jcuda.jcudnn.cudnnConvolutionDescriptor;
import jcuda.jcudnn.cudnnConvolutionMode;
import jcuda.jcudnn.cudnnRNNDescriptor;
import jcuda.jcudnn.cudnnFilterDescriptor;
import jcuda.jcudnn.cudnnHandle;
import jcuda.jcudnn.cudnnMathType;
import jcuda.jcudnn.cudnnNanPropagation;
import jcuda.jcudnn.cudnnTensorDescriptor;
import jcuda.jcudnn.cudnnTensorFormat;
import jcuda.runtime.cudaStream_t;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The rest of the cuDNN replacement: handles and descriptors, elementwise operations, biases, activations and batch
 * normalisation.
 */
class CudnnTest {

    /** The smallest tolerance: only +0 and -0 count as equal. */
    private static final double EXACT = Double.MIN_VALUE;

    /** The value of the gaps in strided tensors. */
    private static final double GAP = 77;

    private static final int CATEGORY = 1000;

    private static final int NCHW = cudnnTensorFormat.CUDNN_TENSOR_NCHW;

    private static final int NHWC = cudnnTensorFormat.CUDNN_TENSOR_NHWC;

    @RegisterExtension
    final SoftDevice device = new SoftDevice();

    private Cudnn cudnn;

    @BeforeEach
    void create() {
        cudnn = new Cudnn();
    }

    @AfterEach
    void destroy() {
        cudnn.close();
    }

    private static void refused(int category, int status) {
        assertEquals(category, status / CATEGORY, () -> "status " + status);
    }

    @Test
    void hasHandles() {
        assertEquals(9, cudnnGetVersion() / 10000);
        assertEquals("CUDNN_STATUS_SUCCESS", cudnnGetErrorString(0));
        assertEquals("CUDNN_STATUS_BAD_PARAM", cudnnGetErrorString(BAD_PARAM * CATEGORY));
        CUstream stream = new CUstream();
        check(cuStreamCreate(stream, CUstream_flags.CU_STREAM_NON_BLOCKING));
        ok(cudnnSetStream(cudnn.handle, new cudaStream_t(stream)));
        cudaStream_t got = new cudaStream_t();
        ok(cudnnGetStream(cudnn.handle, got));
        assertEquals(new cudaStream_t(stream), got);
        check(cuStreamDestroy(stream));

        cudnnHandle other = new cudnnHandle();
        ok(cudnnCreate(other));
        ok(cudnnDestroy(other));
        refused(BAD_PARAM, cudnnDestroy(other));
        refused(BAD_PARAM, cudnnSetStream(other, null));
        refused(BAD_PARAM, cudnnSetStream(new cudnnHandle(), null));
    }

    @Test
    void remembersDescriptors() {
        int[][] v = new int[9][1];
        cudnnTensorDescriptor tensor = cudnn.emptyTensor();
        ok(cudnnSetTensor4dDescriptor(tensor, NHWC, Element.HALF.cudnnType, 2, 3, 4, 5));
        ok(cudnnGetTensor4dDescriptor(tensor, v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7], v[8]));
        assertArrayEquals(new int[] {Element.HALF.cudnnType, 2, 3, 4, 5, 60, 1, 15, 3}, flat(v));
        ok(cudnnSetTensor4dDescriptor(tensor, NCHW, Element.BFLOAT16.cudnnType, 2, 3, 4, 5));
        ok(cudnnGetTensor4dDescriptor(tensor, v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7], v[8]));
        assertArrayEquals(new int[] {Element.BFLOAT16.cudnnType, 2, 3, 4, 5, 60, 20, 5, 1}, flat(v));

        Layout gaps = Layout.withGaps(2, 3, 4, 5, 6);
        tensor = cudnn.tensor(Element.DOUBLE, gaps);
        int[] dims = new int[5];
        int[] strides = new int[5];
        ok(cudnnGetTensorNdDescriptor(tensor, 5, v[0], v[1], dims, strides));
        assertEquals(5, v[1][0]);
        assertArrayEquals(gaps.dims(), dims);
        assertArrayEquals(gaps.strides(), strides);
        long[] bytes = new long[1];
        ok(cudnnGetTensorSizeInBytes(tensor, bytes));
        assertEquals(8L * gaps.extent(), bytes[0]);

        cudnnFilterDescriptor filter = cudnn.filter(Element.HALF, NHWC, 4, 3, 2, 5, 6);
        ok(cudnnGetFilterNdDescriptor(filter, 5, v[0], v[1], v[2], dims));
        assertArrayEquals(new int[] {Element.HALF.cudnnType, NHWC, 5}, new int[] {v[0][0], v[1][0], v[2][0]});
        assertArrayEquals(new int[] {4, 3, 2, 5, 6}, dims);
        ok(cudnnGetFilterSizeInBytes(filter, bytes));
        assertEquals(2L * 4 * 3 * 2 * 5 * 6, bytes[0]);

        cudnnConvolutionDescriptor convolution = cudnn.convolution(Element.FLOAT,
                cudnnConvolutionMode.CUDNN_CROSS_CORRELATION, 1, 0, new int[] {1, 2, 3}, new int[] {4, 5, 6},
                new int[] {7, 8, 9});
        int[][] axes = new int[3][3];
        ok(cudnnGetConvolutionNdDescriptor(convolution, 3, v[0], axes[0], axes[1], axes[2], v[1], v[2]));
        assertArrayEquals(new int[][] {{1, 2, 3}, {4, 5, 6}, {7, 8, 9}}, axes);
        assertArrayEquals(new int[] {3, cudnnConvolutionMode.CUDNN_CROSS_CORRELATION, Element.FLOAT.cudnnType},
                new int[] {v[0][0], v[1][0], v[2][0]});

        double[] coefficient = new double[1];
        ok(cudnnGetActivationDescriptor(cudnn.activation(cudnnActivationMode.CUDNN_ACTIVATION_ELU,
                cudnnNanPropagation.CUDNN_PROPAGATE_NAN, 0.25), v[0], v[1], coefficient));
        assertArrayEquals(new int[] {4, 1}, new int[] {v[0][0], v[1][0]});
        assertEquals(0.25, coefficient[0]);
    }

    private static int[] flat(int[][] values) {
        return Arrays.stream(values).mapToInt(v -> v[0]).toArray();
    }

    @Test
    void refusesImpossibleDescriptors() {
        int[] dims = {1, 2, 3, 4};
        int[] strides = {24, 12, 4, 1};
        int none = -1;
        int int8 = 3;
        cudnnTensorDescriptor tensor = cudnn.emptyTensor();
        refused(BAD_PARAM, cudnnSetTensor4dDescriptor(tensor, NCHW, 0, 1, 0, 3, 4));
        refused(BAD_PARAM, cudnnSetTensor4dDescriptor(tensor, NCHW, 0, 1, 2, -3, 4));
        refused(BAD_PARAM, cudnnSetTensor4dDescriptor(tensor, 9, 0, 1, 2, 3, 4));
        refused(BAD_PARAM, cudnnSetTensor4dDescriptor(tensor, NCHW, none, 1, 2, 3, 4));
        refused(NOT_SUPPORTED, cudnnSetTensor4dDescriptor(tensor, NCHW, int8, 1, 2, 3, 4));
        refused(NOT_SUPPORTED, cudnnSetTensor4dDescriptor(tensor, NCHW, 0, 1 << 10, 1 << 10, 1 << 10, 2));
        refused(NOT_SUPPORTED, cudnnSetTensor4dDescriptorEx(tensor, 0, 2, 1, 1, 2, Integer.MAX_VALUE, 1, 1, 1));
        refused(BAD_PARAM, cudnnSetTensorNdDescriptor(tensor, 0, 4, dims, new int[] {24, 12, 4, 0}));
        refused(NOT_SUPPORTED, cudnnSetTensorNdDescriptor(tensor, 0, 2, dims, strides));
        refused(NOT_SUPPORTED, cudnnSetTensorNdDescriptor(tensor, 0, 9, new int[9], new int[9]));
        refused(BAD_PARAM, cudnnSetTensorNdDescriptor(new cudnnTensorDescriptor(), 0, 4, dims, strides));
        refused(BAD_PARAM, cudnnGetTensorSizeInBytes(tensor, new long[1]));

        cudnnFilterDescriptor filter = cudnn.emptyFilter();
        refused(BAD_PARAM, cudnnSetFilter4dDescriptor(filter, 0, NCHW, 1, 2, 0, 3));
        refused(BAD_PARAM, cudnnSetFilter4dDescriptor(filter, none, NCHW, 1, 2, 3, 3));
        refused(BAD_PARAM, cudnnSetFilter4dDescriptor(filter, 0, none, 1, 2, 3, 3));

        cudnnConvolutionDescriptor convolution = cudnn.emptyConvolution();
        refused(BAD_PARAM, cudnnSetConvolution2dDescriptor(convolution, -1, 0, 1, 1, 1, 1, 0, 0));
        refused(BAD_PARAM, cudnnSetConvolution2dDescriptor(convolution, 0, 0, 0, 1, 1, 1, 0, 0));
        refused(BAD_PARAM, cudnnSetConvolution2dDescriptor(convolution, 0, 0, 1, 1, 1, 0, 0, 0));
        refused(BAD_PARAM, cudnnSetConvolution2dDescriptor(convolution, 0, 0, 1, 1, 1, 1, 2, 0));
        refused(BAD_PARAM, cudnnSetConvolution2dDescriptor(convolution, 0, 0, 1, 1, 1, 1, 0, none));
        refused(BAD_PARAM, cudnnSetConvolutionNdDescriptor(convolution, 0, dims, dims, dims, 0, 0));
        refused(NOT_SUPPORTED, cudnnSetConvolutionNdDescriptor(convolution, 7, new int[7], new int[7], new int[7], 0,
                0));
        refused(BAD_PARAM, cudnnSetConvolutionGroupCount(convolution, 0));
        refused(BAD_PARAM, cudnnSetConvolutionMathType(convolution, cudnnMathType.CUDNN_FMA_MATH + 1));
        refused(BAD_PARAM, cudnnSetActivationDescriptor(cudnn.activation(0, 0, 0), 7, 0, 0));
        refused(BAD_PARAM, cudnnSetActivationDescriptor(cudnn.activation(0, 0, 0), 0, 2, 0));
    }

    private static double[] integers(Random random, int count) {
        return random.ints(count, -8, 9).asDoubleStream().toArray();
    }

    @ParameterizedTest
    @EnumSource
    void addsTensorsThatRepeat(Element type) {
        Random random = new Random(1);
        Layout to = Layout.withGaps(2, 3, 4, 5);
        double[] c = integers(random, to.count());
        for (int[] dims : new int[][] {{1, 3, 1, 1}, {1, 1, 4, 5}, {2, 3, 4, 5}, {1, 1, 1, 1}}) {
            Layout from = Layout.channelsLast(dims);
            double[] a = integers(random, from.count());
            Buffer result = type.upload(device, to.place(c, GAP));
            ok(cudnnAddTensor(cudnn.handle, type.scalar(0.5), cudnn.tensor(type, from),
                    type.upload(device, from.place(a, GAP)).pointer(), type.scalar(-2), cudnn.tensor(type, to),
                    result.pointer()));
            SoftDevice.synchronize();
            double[] expected = new double[c.length];
            for (int i = 0; i < c.length; i++) {
                int[] at = {i / 60, i / 20 % 3, i / 5 % 4, i % 5};
                int index = 0;
                for (int axis = 0; axis < 4; axis++) {
                    index = index * dims[axis] + (dims[axis] == 1 ? 0 : at[axis]);
                }
                expected[i] = 0.5 * a[index] - 2 * c[i];
            }
            assertArrayEquals(to.place(expected, GAP), type.download(result), EXACT);
        }
        Buffer b = device.buffer(new double[120]);
        Buffer other = device.buffer(new double[120]);
        refused(NOT_SUPPORTED, cudnnAddTensor(cudnn.handle, type.scalar(1), cudnn.tensor(type, 1, 2, 1, 1),
                b.pointer(), type.scalar(1), cudnn.tensor(type, 2, 3, 4, 5), other.pointer()));
        refused(NOT_SUPPORTED, cudnnAddTensor(cudnn.handle, type.scalar(1), cudnn.tensor(type, 1, 3, 1, 1),
                b.pointer(), type.scalar(1), cudnn.tensor(type == Element.HALF ? Element.FLOAT : Element.HALF, 2, 3,
                4, 5), other.pointer()));
        refused(BAD_PARAM, cudnnAddTensor(cudnn.handle, type.scalar(1), cudnn.tensor(type, 1, 3, 1, 1),
                new Pointer(), type.scalar(1), cudnn.tensor(type, 2, 3, 4, 5), other.pointer()));
    }

    /** In half, 1 + 2^-11 + 2^-30 rounds to 1 + 2^-10. Rounded to float first, it would be a tie and become 1. */
    @Test
    void roundsOnce() {
        Element type = Element.HALF;
        Buffer c = type.upload(device, 1);
        cudnnTensorDescriptor one = cudnn.tensor(type, 1, 1, 1, 1);
        ok(cudnnAddTensor(cudnn.handle, type.scalar(0x1p-20), one, type.upload(device, 0x1p-10).pointer(),
                type.scalar(1 + 0x1p-11), one, c.pointer()));
        SoftDevice.synchronize();
        assertEquals(1 + 0x1p-10, type.download(c)[0]);
    }

    @ParameterizedTest
    @EnumSource
    void setsScalesAndTransformsTensors(Element type) {
        Layout from = Layout.withGaps(2, 3, 4, 5, 2);
        Layout to = Layout.channelsLast(2, 3, 4, 5, 2);
        double[] x = integers(new Random(2), from.count());
        Buffer xs = type.upload(device, from.place(x, GAP));
        Buffer ys = device.allocate((long) to.extent() * type.bytes);
        cudnnTensorDescriptor fromTensor = cudnn.tensor(type, from);
        cudnnTensorDescriptor toTensor = cudnn.tensor(type, to);
        ok(cudnnTransformTensor(cudnn.handle, type.scalar(2), fromTensor, xs.pointer(), type.scalar(0), toTensor,
                ys.pointer()));
        ok(cudnnScaleTensor(cudnn.handle, fromTensor, xs.pointer(), type.scalar(-3)));
        SoftDevice.synchronize();
        assertArrayEquals(to.place(Arrays.stream(x).map(v -> 2 * v).toArray(), GAP), type.download(ys), EXACT);
        assertArrayEquals(from.place(Arrays.stream(x).map(v -> -3 * v).toArray(), GAP), type.download(xs), EXACT);
        Pointer value = type == Element.HALF ? Pointer.to(new short[] {0x3e00})
                : type == Element.BFLOAT16 ? Pointer.to(new short[] {0x3fc0}) : type.scalar(1.5);
        ok(cudnnSetTensor(cudnn.handle, fromTensor, xs.pointer(), value));
        SoftDevice.synchronize();
        assertArrayEquals(from.place(Arrays.stream(x).map(v -> 1.5).toArray(), GAP), type.download(xs), EXACT);
        refused(BAD_PARAM, cudnnTransformTensor(cudnn.handle, type.scalar(1), fromTensor, xs.pointer(),
                type.scalar(0), cudnn.tensor(type, 2, 3, 4, 5, 3), ys.pointer()));
    }

    @ParameterizedTest
    @EnumSource
    void sumsTheGradientOfABias(Element type) {
        for (Layout layout : List.of(Layout.channelsFirst(2, 3, 4, 5), Layout.channelsLast(2, 3, 2, 4, 5),
                Layout.withGaps(3, 3, 2, 2))) {
            double[] dy = integers(new Random(3), layout.count());
            double[] db = {4, 6, 8};
            int inner = layout.count() / layout.dims()[0] / 3;
            Buffer dys = type.upload(device, layout.place(dy, GAP));
            Buffer dbs = type.upload(device, db);
            int[] dims = new int[layout.dims().length];
            Arrays.fill(dims, 1);
            dims[1] = 3;
            ok(cudnnConvolutionBackwardBias(cudnn.handle, type.scalar(2), cudnn.tensor(type, layout), dys.pointer(),
                    type.scalar(0.5), cudnn.tensor(type, dims), dbs.pointer()));
            SoftDevice.synchronize();
            double[] expected = Arrays.stream(db).map(v -> v / 2).toArray();
            for (int i = 0; i < dy.length; i++) {
                expected[i / inner % 3] += 2 * dy[i];
            }
            assertArrayEquals(type.round(expected), type.download(dbs), EXACT);
            dims[1] = 2;
            refused(BAD_PARAM, cudnnConvolutionBackwardBias(cudnn.handle, type.scalar(2), cudnn.tensor(type, layout),
                    dys.pointer(), type.scalar(0.5), cudnn.tensor(type, dims), dbs.pointer()));
        }
    }

    private static DoubleUnaryOperator activation(int mode, double coefficient) {
        switch (mode) {
            case cudnnActivationMode.CUDNN_ACTIVATION_SIGMOID:
                return x -> 1 / (1 + Math.exp(-x));
            case cudnnActivationMode.CUDNN_ACTIVATION_RELU:
                return x -> Math.max(x, 0);
            case cudnnActivationMode.CUDNN_ACTIVATION_TANH:
                return Math::tanh;
            case cudnnActivationMode.CUDNN_ACTIVATION_CLIPPED_RELU:
                return x -> Math.min(Math.max(x, 0), coefficient);
            case cudnnActivationMode.CUDNN_ACTIVATION_ELU:
                return x -> x > 0 ? x : coefficient * (Math.exp(x) - 1);
            default:
                return x -> x / (1 + Math.exp(-x));
        }
    }

    /**
     * Values: a few of the last bits of double (math libraries differ there) and the rounding of the result. Gradients:
     * the error of central differences with step h = 2^-17, which is h^2/6 times a third derivative below 2, so 2^-33,
     * plus the rounding error 2^-53/h = 2^-36 of the difference.
     */
    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 3, 4, 6})
    void activatesAsDefined(int mode) {
        double coefficient = mode == cudnnActivationMode.CUDNN_ACTIVATION_CLIPPED_RELU ? 1.5 : 0.75;
        DoubleUnaryOperator f = activation(mode, coefficient);
        double[] x = new Random(4).doubles(200, -4, 4).map(Element.FLOAT::round).toArray();
        double[] dy = integers(new Random(5), x.length);
        double h = 0x1p-17;
        cudnnActivationDescriptor descriptor = cudnn.activation(mode, 0, coefficient);
        for (Element type : List.of(Element.DOUBLE, Element.FLOAT)) {
            double half = type == Element.DOUBLE ? 0x1p-50 : 0x1p-24 + 0x1p-50;
            cudnnTensorDescriptor tensor = cudnn.tensor(type, 2, 4, 5, 5);
            Buffer xs = type.upload(device, x);
            Buffer ys = type.upload(device, dy);
            ok(cudnnActivationForward(cudnn.handle, descriptor, type.scalar(1), tensor, xs.pointer(), type.scalar(2),
                    tensor, ys.pointer()));
            SoftDevice.synchronize();
            double[] blended = type.download(ys);
            for (int i = 0; i < x.length; i++) {
                double expected = f.applyAsDouble(x[i]) + 2 * dy[i];
                assertEquals(expected, blended[i], half * Math.max(1, Math.abs(expected)));
            }

            Buffer y = device.allocate(xs.size());
            ok(cudnnActivationForward(cudnn.handle, descriptor, type.scalar(1), tensor, xs.pointer(), type.scalar(0),
                    tensor, y.pointer()));
            Buffer dx = device.allocate(xs.size());
            ok(cudnnActivationBackward(cudnn.handle, descriptor, type.scalar(1), tensor, y.pointer(), tensor,
                    type.upload(device, dy).pointer(), tensor, xs.pointer(), type.scalar(0), tensor, dx.pointer()));
            SoftDevice.synchronize();
            double[] gradient = type.download(dx);
            for (int i = 0; i < x.length; i++) {
                double slope = (f.applyAsDouble(x[i] + h) - f.applyAsDouble(x[i] - h)) / (2 * h);
                // y, from which some derivatives are computed, was rounded, too.
                assertEquals(dy[i] * slope, gradient[i], Math.abs(dy[i]) * (0x1p-32 + 4 * half));
            }
            // In place.
            ok(cudnnActivationForward(cudnn.handle, descriptor, type.scalar(1), tensor, xs.pointer(), type.scalar(0),
                    tensor, xs.pointer()));
            SoftDevice.synchronize();
            assertArrayEquals(type.download(y), type.download(xs));
            refused(BAD_PARAM, cudnnActivationForward(cudnn.handle, descriptor, type.scalar(1), tensor, xs.pointer(),
                    type.scalar(0), cudnn.tensor(type, 2, 5, 4, 5), ys.pointer()));
        }
    }

    @ParameterizedTest
    @CsvSource({"1, 0, 0", "1, 1, NaN", "3, 0, 0", "3, 1, NaN"})
    void propagatesNansWhereAsked(int mode, int propagation, double expected) {
        Buffer x = device.buffer(Float.NaN);
        cudnnTensorDescriptor tensor = cudnn.tensor(Element.FLOAT, 1, 1, 1, 1);
        ok(cudnnActivationForward(cudnn.handle, cudnn.activation(mode, propagation, 1), Element.FLOAT.scalar(1), tensor,
                x.pointer(), Element.FLOAT.scalar(0), tensor, x.pointer()));
        SoftDevice.synchronize();
        assertEquals(expected, x.floats()[0]);
    }

    /** Batch normalisation by its definition, on NCHW arrays. */
    private record Normalization(boolean perActivation, int n, int c, int positions, double epsilon) {

        int parameters() {
            return perActivation ? c * positions : c;
        }

        int parameter(int index) {
            return perActivation ? index % (c * positions) : index / positions % c;
        }

        int members() {
            return n * c * positions / parameters();
        }

        double[] means(double[] x) {
            double[] means = new double[parameters()];
            for (int i = 0; i < x.length; i++) {
                means[parameter(i)] += x[i] / members();
            }
            return means;
        }

        double[] variances(double[] x) {
            double[] means = means(x);
            double[] variances = new double[parameters()];
            for (int i = 0; i < x.length; i++) {
                variances[parameter(i)] += Math.pow(x[i] - means[parameter(i)], 2) / members();
            }
            return variances;
        }

        double[] apply(double[] x, double[] scale, double[] bias, double[] means, double[] variances) {
            return IntStream.range(0, x.length).mapToDouble(i -> {
                int p = parameter(i);
                return scale[p] * (x[i] - means[p]) / Math.sqrt(variances[p] + epsilon) + bias[p];
            }).toArray();
        }

        /** The loss whose gradient with respect to the training's output is dy. */
        double loss(double[] x, double[] scale, double[] bias, double[] dy) {
            double[] y = apply(x, scale, bias, means(x), variances(x));
            return IntStream.range(0, y.length).mapToDouble(i -> y[i] * dy[i]).sum();
        }
    }

    private interface Loss {
        double at(double[] values);
    }

    private static double[] gradient(double[] at, Loss loss) {
        double h = 0x1p-17;
        return IntStream.range(0, at.length).mapToDouble(i -> {
            double[] up = at.clone();
            up[i] += h;
            double[] down = at.clone();
            down[i] -= h;
            return (loss.at(up) - loss.at(down)) / (2 * h);
        }).toArray();
    }

    /**
     * Values up to 16, so the error of a float is at most 2^-24 * 16, and that of a double far below 1e-12. Gradients:
     * the error of central differences, here well below 1e-7.
     */
    @ParameterizedTest
    @CsvSource({"1, FLOAT, false", "1, DOUBLE, true", "0, FLOAT, true", "0, DOUBLE, false", "2, FLOAT, false"})
    void normalisesBatches(int mode, Element type, boolean channelsLast) {
        int[] dims = {3, 2, 2, 2, 2};
        Normalization norm = new Normalization(mode == cudnnBatchNormMode.CUDNN_BATCHNORM_PER_ACTIVATION, 3, 2, 8,
                0.125);
        Layout layout = channelsLast ? Layout.channelsLast(dims) : Layout.withGaps(dims);
        double forward = type == Element.FLOAT ? 0x1p-20 : 1e-12;
        double backward = forward + 1e-7;
        Random random = new Random(9);
        int count = norm.parameters();
        double[] x = random.doubles(layout.count(), -2, 2).map(Element.FLOAT::round).toArray();
        double[] dy = random.doubles(layout.count(), -1, 1).map(Element.FLOAT::round).toArray();
        double[] scale = random.doubles(count, 0.5, 2).map(Element.FLOAT::round).toArray();
        double[] bias = random.doubles(count, -1, 1).map(Element.FLOAT::round).toArray();
        double[] running = random.doubles(count, 1, 2).map(Element.FLOAT::round).toArray();
        Pointer one = type.scalar(1);
        Pointer zero = type.scalar(0);
        cudnnTensorDescriptor tensor = cudnn.tensor(type, layout);
        cudnnTensorDescriptor parameters = cudnn.emptyTensor();
        ok(cudnnDeriveBNTensorDescriptor(parameters, tensor, mode));
        Buffer xs = type.upload(device, layout.place(x, GAP));
        Buffer dys = type.upload(device, layout.place(dy, GAP));
        Buffer ys = type.upload(device, layout.place(dy, GAP));
        Buffer scales = type.upload(device, scale);
        Buffer biases = type.upload(device, bias);
        Buffer runningMeans = type.upload(device, running);
        Buffer runningVariances = type.upload(device, running);
        Buffer savedMeans = device.allocate((long) count * type.bytes);
        Buffer savedInverses = device.allocate((long) count * type.bytes);
        ok(cudnnBatchNormalizationForwardTraining(cudnn.handle, mode, one, type.scalar(2), tensor, xs.pointer(),
                tensor, ys.pointer(), parameters, scales.pointer(), biases.pointer(), 0.25, runningMeans.pointer(),
                runningVariances.pointer(), norm.epsilon, savedMeans.pointer(), savedInverses.pointer()));
        SoftDevice.synchronize();
        double[] means = norm.means(x);
        double[] variances = norm.variances(x);
        double[] y = norm.apply(x, scale, bias, means, variances);
        assertArrayEquals(layout.place(IntStream.range(0, y.length).mapToDouble(i -> y[i] + 2 * dy[i]).toArray(), GAP),
                type.download(ys), forward);
        assertArrayEquals(means, type.download(savedMeans), forward);
        assertArrayEquals(Arrays.stream(variances).map(v -> 1 / Math.sqrt(v + norm.epsilon)).toArray(),
                type.download(savedInverses), forward);
        double unbiased = norm.members() / (norm.members() - 1.0);
        assertArrayEquals(IntStream.range(0, count).mapToDouble(i -> 0.75 * running[i] + 0.25 * means[i]).toArray(),
                type.download(runningMeans), forward);
        assertArrayEquals(IntStream.range(0, count)
                .mapToDouble(i -> 0.75 * running[i] + 0.25 * unbiased * variances[i]).toArray(),
                type.download(runningVariances), forward);

        ok(cudnnBatchNormalizationForwardInference(cudnn.handle, mode, one, zero, tensor, xs.pointer(), tensor,
                ys.pointer(), parameters, scales.pointer(), biases.pointer(), biases.pointer(), scales.pointer(),
                norm.epsilon));
        SoftDevice.synchronize();
        assertArrayEquals(layout.place(norm.apply(x, scale, bias, bias, scale), GAP), type.download(ys), forward);

        for (boolean saved : new boolean[] {true, false}) {
            Buffer dScale = device.allocate((long) count * type.bytes);
            Buffer dBias = device.allocate((long) count * type.bytes);
            ok(cudnnBatchNormalizationBackward(cudnn.handle, mode, one, zero, one, zero, tensor, xs.pointer(), tensor,
                    dys.pointer(), tensor, ys.pointer(), parameters, scales.pointer(), dScale.pointer(),
                    dBias.pointer(), norm.epsilon, saved ? savedMeans.pointer() : new Pointer(),
                    saved ? savedInverses.pointer() : new Pointer()));
            SoftDevice.synchronize();
            assertArrayEquals(layout.place(gradient(x, v -> norm.loss(v, scale, bias, dy)), GAP), type.download(ys),
                    backward);
            assertArrayEquals(gradient(scale, v -> norm.loss(x, v, bias, dy)), type.download(dScale), backward);
            assertArrayEquals(gradient(bias, v -> norm.loss(x, scale, v, dy)), type.download(dBias), backward);
        }

        // Uses the given statistics: mean `bias` and reciprocal deviation `scale`.
        Buffer dScale = device.allocate((long) count * type.bytes);
        ok(cudnnBatchNormalizationBackward(cudnn.handle, mode, one, zero, one, zero, tensor, xs.pointer(), tensor,
                dys.pointer(), tensor, ys.pointer(), parameters, scales.pointer(), dScale.pointer(),
                device.allocate((long) count * type.bytes).pointer(), norm.epsilon, biases.pointer(),
                scales.pointer()));
        SoftDevice.synchronize();
        double[] expected = new double[count];
        for (int i = 0; i < x.length; i++) {
            int p = norm.parameter(i);
            expected[p] += dy[i] * (x[i] - bias[p]) * scale[p];
        }
        assertArrayEquals(expected, type.download(dScale), 8 * forward);

        Pointer none = new Pointer();
        refused(BAD_PARAM, cudnnBatchNormalizationForwardTraining(cudnn.handle, mode, one, zero, tensor, xs.pointer(),
                tensor, ys.pointer(), parameters, scales.pointer(), biases.pointer(), 1, none, none, 1e-3,
                savedMeans.pointer(), none));
        refused(BAD_PARAM, cudnnBatchNormalizationForwardTraining(cudnn.handle, mode, one, zero, tensor, xs.pointer(),
                tensor, ys.pointer(), parameters, scales.pointer(), biases.pointer(), 1, none, none, -1, none, none));
        refused(BAD_PARAM, cudnnBatchNormalizationForwardTraining(cudnn.handle, mode, one, zero, tensor, xs.pointer(),
                tensor, ys.pointer(), cudnn.tensor(type, 1, 3, 1, 1, 1), scales.pointer(), biases.pointer(), 1, none,
                none, 1e-3, none, none));
        refused(BAD_PARAM, cudnnBatchNormalizationForwardTraining(cudnn.handle, mode, one, zero, tensor, xs.pointer(),
                tensor, ys.pointer(), parameters, none, biases.pointer(), 1, none, none, 1e-3, none, none));
        refused(BAD_PARAM, cudnnDeriveBNTensorDescriptor(parameters, tensor, 3));
        SoftDevice.synchronize();
    }

    @Test
    void reportsWhatNothingWrote() {
        cudnnTensorDescriptor tensor = cudnn.tensor(Element.FLOAT, 1, 2, 2, 2);
        cudnnTensorDescriptor bias = cudnn.tensor(Element.FLOAT, 1, 2, 1, 1);
        String report = device.expectFault(CUresult.CUDA_ERROR_LAUNCH_FAILED, () -> {
            ok(cudnnAddTensor(cudnn.handle, Element.FLOAT.scalar(1), bias, device.allocate(8).pointer(),
                    Element.FLOAT.scalar(1), tensor, device.buffer(new float[8]).pointer()));
            SoftDevice.synchronize();
        });
        assertTrue(report.contains("cudnnAddTensor"), report);
    }

    @Test
    void refusesWhatIsNotProvided() {
        Buffer x = device.buffer(new float[8]);
        cudnnTensorDescriptor tensor = cudnn.tensor(Element.FLOAT, 1, 2, 2, 2);
        refused(NOT_SUPPORTED, cudnnSoftmaxBackward(cudnn.handle, 0, 0, Element.FLOAT.scalar(1), tensor, x.pointer(),
                tensor, x.pointer(), Element.FLOAT.scalar(0), tensor, x.pointer()));
        refused(NOT_SUPPORTED, cudnnCreateRNNDescriptor(new cudnnRNNDescriptor()));
    }
}
