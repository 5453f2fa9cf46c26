package io.framecast.softgpu;

import static io.framecast.softgpu.Cudnn.BAD_PARAM;
import static io.framecast.softgpu.Cudnn.NOT_SUPPORTED;
import static io.framecast.softgpu.Cudnn.ok;
import static io.framecast.softgpu.SoftDevice.check;
import static jcuda.driver.JCudaDriver.cuGraphDestroy;
import static jcuda.driver.JCudaDriver.cuGraphExecDestroy;
import static jcuda.driver.JCudaDriver.cuGraphInstantiate;
import static jcuda.driver.JCudaDriver.cuGraphLaunch;
import static jcuda.driver.JCudaDriver.cuMemcpyHtoD;
import static jcuda.driver.JCudaDriver.cuMemsetD32Async;
import static jcuda.driver.JCudaDriver.cuStreamBeginCapture;
import static jcuda.driver.JCudaDriver.cuStreamCreate;
import static jcuda.driver.JCudaDriver.cuStreamDestroy;
import static jcuda.driver.JCudaDriver.cuStreamEndCapture;
import static jcuda.driver.JCudaDriver.cuStreamSynchronize;
import static jcuda.jcudnn.JCudnn.cudnnConvolutionBackwardData;
import static jcuda.jcudnn.JCudnn.cudnnConvolutionBackwardFilter;
import static jcuda.jcudnn.JCudnn.cudnnConvolutionBiasActivationForward;
import static jcuda.jcudnn.JCudnn.cudnnConvolutionForward;
import static jcuda.jcudnn.JCudnn.cudnnCreateTensorDescriptor;
import static jcuda.jcudnn.JCudnn.cudnnDestroyTensorDescriptor;
import static jcuda.jcudnn.JCudnn.cudnnFindConvolutionBackwardDataAlgorithm;
import static jcuda.jcudnn.JCudnn.cudnnFindConvolutionBackwardDataAlgorithmEx;
import static jcuda.jcudnn.JCudnn.cudnnFindConvolutionBackwardFilterAlgorithm;
import static jcuda.jcudnn.JCudnn.cudnnFindConvolutionBackwardFilterAlgorithmEx;
import static jcuda.jcudnn.JCudnn.cudnnFindConvolutionForwardAlgorithm;
import static jcuda.jcudnn.JCudnn.cudnnFindConvolutionForwardAlgorithmEx;
import static jcuda.jcudnn.JCudnn.cudnnGetConvolution2dForwardOutputDim;
import static jcuda.jcudnn.JCudnn.cudnnGetConvolutionBackwardDataAlgorithmMaxCount;
import static jcuda.jcudnn.JCudnn.cudnnGetConvolutionBackwardDataAlgorithm_v7;
import static jcuda.jcudnn.JCudnn.cudnnGetConvolutionBackwardDataWorkspaceSize;
import static jcuda.jcudnn.JCudnn.cudnnGetConvolutionBackwardFilterAlgorithmMaxCount;
import static jcuda.jcudnn.JCudnn.cudnnGetConvolutionBackwardFilterAlgorithm_v7;
import static jcuda.jcudnn.JCudnn.cudnnGetConvolutionBackwardFilterWorkspaceSize;
import static jcuda.jcudnn.JCudnn.cudnnGetConvolutionForwardAlgorithmMaxCount;
import static jcuda.jcudnn.JCudnn.cudnnGetConvolutionForwardAlgorithm_v7;
import static jcuda.jcudnn.JCudnn.cudnnGetConvolutionForwardWorkspaceSize;
import static jcuda.jcudnn.JCudnn.cudnnGetConvolutionNdForwardOutputDim;
import static jcuda.jcudnn.JCudnn.cudnnSetStream;
import static jcuda.jcudnn.JCudnn.cudnnSetTensor4dDescriptor;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import jcuda.Pointer;
import jcuda.driver.CUgraph;
import jcuda.driver.CUgraphExec;
import jcuda.driver.CUresult;
import jcuda.driver.CUstream;
import jcuda.driver.CUstreamCaptureMode;
import jcuda.driver.CUstream_flags;
import jcuda.jcudnn.cudnnActivationDescriptor;
import jcuda.jcudnn.cudnnActivationMode;
import jcuda.jcudnn.cudnnConvolutionBwdDataAlgoPerf;
import jcuda.jcudnn.cudnnConvolutionBwdFilterAlgo;
import jcuda.jcudnn.cudnnConvolutionBwdFilterAlgoPerf;
import jcuda.jcudnn.cudnnConvolutionDescriptor;
import jcuda.jcudnn.cudnnConvolutionFwdAlgo;
import jcuda.jcudnn.cudnnConvolutionFwdAlgoPerf;
import jcuda.jcudnn.cudnnConvolutionMode;
import jcuda.jcudnn.cudnnFilterDescriptor;
import jcuda.jcudnn.cudnnHandle;
import jcuda.jcudnn.cudnnMathType;
import jcuda.jcudnn.cudnnTensorDescriptor;
import jcuda.jcudnn.cudnnTensorFormat;
import jcuda.runtime.cudaStream_t;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The convolutions of the cuDNN replacement: values against the definition, algorithms and workspaces, refused
 * arguments, and stream order.
 */
class CudnnConvolutionTest {

    /** The smallest tolerance: only +0 and -0 count as equal. */
    private static final double EXACT = Double.MIN_VALUE;

    /** The value of the gaps in strided tensors. */
    private static final double GAP = 77;

    /** The algorithm of each direction that supports every convolution, also on tensor cores. */
    private static final int ALGORITHM = 1;

    /** The algorithm of each direction that needs no workspace, does not take bfloat16 and has no tensor cores. */
    private static final int PLAIN_ALGORITHM = 0;

    private static final int CATEGORY = 1000;

    private static final int[] MATHS = {cudnnMathType.CUDNN_FMA_MATH, cudnnMathType.CUDNN_DEFAULT_MATH,
        cudnnMathType.CUDNN_TENSOR_OP_MATH, cudnnMathType.CUDNN_TENSOR_OP_MATH_ALLOW_CONVERSION};

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

    private enum Direction { FORWARD, BACKWARD_DATA, BACKWARD_FILTER }

    /** A convolution: images, channels, filters, groups, and for each spatial axis the sizes. */
    private record Shape(int n, int c, int k, int groups, int[] in, int[] window, int[] pad, int[] stride,
            int[] dilation, boolean flipped) {

        static Shape of(int n, int c, int k, int... sizes) {
            int rank = sizes.length / 2;
            int[] ones = ones(rank);
            return new Shape(n, c, k, 1, Arrays.copyOf(sizes, rank), Arrays.copyOfRange(sizes, rank, 2 * rank),
                    new int[rank], ones, ones, false);
        }

        Shape groups(int count) {
            return new Shape(n, c, k, count, in, window, pad, stride, dilation, flipped);
        }

        Shape pad(int... by) {
            return new Shape(n, c, k, groups, in, window, by, stride, dilation, flipped);
        }

        Shape stride(int... by) {
            return new Shape(n, c, k, groups, in, window, pad, by, dilation, flipped);
        }

        Shape dilate(int... by) {
            return new Shape(n, c, k, groups, in, window, pad, stride, by, flipped);
        }

        Shape flip() {
            return new Shape(n, c, k, groups, in, window, pad, stride, dilation, true);
        }

        private static int[] ones(int count) {
            return IntStream.generate(() -> 1).limit(count).toArray();
        }

        /** Positions at which the whole window lies in the padded input. */
        int out(int axis) {
            int count = 0;
            int reach = (window[axis] - 1) * dilation[axis];
            for (int at = -pad[axis]; at + reach < in[axis] + pad[axis]; at += stride[axis]) {
                count++;
            }
            return count;
        }

        int[] xDims() {
            return join(n, c, in);
        }

        int[] wDims() {
            return join(k, c / groups, window);
        }

        int[] yDims() {
            return join(n, k, IntStream.range(0, in.length).map(this::out).toArray());
        }

        private static int[] join(int a, int b, int[] rest) {
            return IntStream.concat(IntStream.of(a, b), Arrays.stream(rest)).toArray();
        }

        /** A spatial array of 2 axes, extended to 3 with a first axis of length 1. */
        private static int[] volume(int[] of, int trivial) {
            return of.length == 3 ? of : new int[] {trivial, of[0], of[1]};
        }

        /** The definition: packed arrays, images and channels first. */
        double[] forward(double[] x, double[] w) {
            int[] i = volume(in, 1);
            int[] t = volume(window, 1);
            int[] p = volume(pad, 0);
            int[] s = volume(stride, 1);
            int[] d = volume(dilation, 1);
            int[] o = volume(Arrays.copyOfRange(yDims(), 2, 2 + in.length), 1);
            int channels = c / groups;
            int filters = k / groups;
            double[] y = new double[n * k * o[0] * o[1] * o[2]];
            for (int at = 0; at < y.length; at++) {
                int ox = at % o[2];
                int oy = at / o[2] % o[1];
                int oz = at / o[2] / o[1] % o[0];
                int filter = at / o[2] / o[1] / o[0] % k;
                int image = at / o[2] / o[1] / o[0] / k;
                int first = filter / filters * channels;
                for (int channel = 0; channel < channels; channel++) {
                    for (int tap = 0; tap < t[0] * t[1] * t[2]; tap++) {
                        int ix = ox * s[2] - p[2] + tap % t[2] * d[2];
                        int iy = oy * s[1] - p[1] + tap / t[2] % t[1] * d[1];
                        int iz = oz * s[0] - p[0] + tap / t[2] / t[1] * d[0];
                        if (ix < 0 || ix >= i[2] || iy < 0 || iy >= i[1] || iz < 0 || iz >= i[0]) {
                            continue;
                        }
                        // Flipped along all axes: the taps are in reverse order.
                        int taps = t[0] * t[1] * t[2];
                        double weight = w[(filter * channels + channel) * taps + (flipped ? taps - 1 - tap : tap)];
                        y[at] += weight * x[(((image * c + first + channel) * i[0] + iz) * i[1] + iy) * i[2] + ix];
                    }
                }
            }
            return y;
        }

        /**
         * The reference result of a direction. The two backward ones are computed as the transpose, with one unit
         * vector after another.
         */
        double[] compute(Direction direction, double[] x, double[] w, double[] y) {
            switch (direction) {
                case FORWARD:
                    return forward(x, w);
                case BACKWARD_DATA:
                    return IntStream.range(0, x.length)
                            .mapToDouble(i -> dot(forward(unit(x.length, i), w), y)).toArray();
                default:
                    return IntStream.range(0, w.length)
                            .mapToDouble(i -> dot(forward(x, unit(w.length, i)), y)).toArray();
            }
        }

        @Override
        public String toString() {
            return Arrays.toString(xDims()) + " with " + Arrays.toString(wDims()) + " pad " + Arrays.toString(pad)
                    + " stride " + Arrays.toString(stride) + " dilation " + Arrays.toString(dilation) + " groups "
                    + groups + (flipped ? " flipped" : "");
        }
    }

    private static double[] unit(int length, int at) {
        double[] vector = new double[length];
        vector[at] = 1;
        return vector;
    }

    private static double dot(double[] a, double[] b) {
        return IntStream.range(0, a.length).mapToDouble(i -> a[i] * b[i]).sum();
    }

    /** The memory layouts of input, filter and output. */
    private enum Format {
        CHANNELS_FIRST, CHANNELS_LAST, CHANNELS_LAST_TO_FIRST, WITH_GAPS;

        Layout x(int... dims) {
            return this == CHANNELS_FIRST ? Layout.channelsFirst(dims)
                    : this == WITH_GAPS ? Layout.withGaps(dims) : Layout.channelsLast(dims);
        }

        Layout w(int... dims) {
            return this == CHANNELS_LAST ? Layout.channelsLast(dims) : Layout.channelsFirst(dims);
        }

        Layout y(int... dims) {
            return this == CHANNELS_LAST_TO_FIRST ? Layout.channelsFirst(dims) : x(dims);
        }

        int ofFilter() {
            return this == CHANNELS_LAST ? cudnnTensorFormat.CUDNN_TENSOR_NHWC : cudnnTensorFormat.CUDNN_TENSOR_NCHW;
        }
    }

    /** cuDNN's view of a convolution. */
    private final class Problem {
        final Shape shape;
        final Element type;
        final Layout x;
        final Layout w;
        final Layout y;
        cudnnTensorDescriptor xTensor;
        cudnnTensorDescriptor yTensor;
        cudnnFilterDescriptor filter;
        cudnnConvolutionDescriptor convolution;

        Problem(Shape shape, Element type, Format format, int math) {
            this.shape = shape;
            this.type = type;
            x = format.x(shape.xDims());
            w = format.w(shape.wDims());
            y = format.y(shape.yDims());
            xTensor = cudnn.tensor(type, x);
            yTensor = cudnn.tensor(type, y);
            filter = cudnn.filter(type, format.ofFilter(), shape.wDims());
            int mode = shape.flipped ? cudnnConvolutionMode.CUDNN_CONVOLUTION
                    : cudnnConvolutionMode.CUDNN_CROSS_CORRELATION;
            convolution = cudnn.convolution(type == Element.DOUBLE ? Element.DOUBLE : Element.FLOAT, mode,
                    shape.groups, math, shape.pad, shape.stride, shape.dilation);
        }

        Problem(Shape shape) {
            this(shape, Element.FLOAT, Format.CHANNELS_FIRST, cudnnMathType.CUDNN_DEFAULT_MATH);
        }

        Layout result(Direction direction) {
            return direction == Direction.FORWARD ? y : direction == Direction.BACKWARD_DATA ? x : w;
        }

        int run(Direction direction, Pointer alpha, Pointer beta, Pointer xs, Pointer ws, Pointer ys, int algorithm,
                Pointer workspace, long bytes) {
            switch (direction) {
                case FORWARD:
                    return cudnnConvolutionForward(cudnn.handle, alpha, xTensor, xs, filter, ws, convolution,
                            algorithm, workspace, bytes, beta, yTensor, ys);
                case BACKWARD_DATA:
                    return cudnnConvolutionBackwardData(cudnn.handle, alpha, filter, ws, yTensor, ys, convolution,
                            algorithm, workspace, bytes, beta, xTensor, xs);
                default:
                    return cudnnConvolutionBackwardFilter(cudnn.handle, alpha, xTensor, xs, yTensor, ys, convolution,
                            algorithm, workspace, bytes, beta, filter, ws);
            }
        }

        /** Overwrites the result by algorithm 0, which needs no workspace. */
        int run(Direction direction, Buffer xs, Buffer ws, Buffer ys) {
            return run(direction, type.scalar(1), type.scalar(0), xs.pointer(), ws.pointer(), ys.pointer(), 0,
                    new Pointer(), 0);
        }

        int workspace(Direction direction, int algorithm, long[] bytes) {
            switch (direction) {
                case FORWARD:
                    return cudnnGetConvolutionForwardWorkspaceSize(cudnn.handle, xTensor, filter, convolution, yTensor,
                            algorithm, bytes);
                case BACKWARD_DATA:
                    return cudnnGetConvolutionBackwardDataWorkspaceSize(cudnn.handle, filter, yTensor, convolution,
                            xTensor, algorithm, bytes);
                default:
                    return cudnnGetConvolutionBackwardFilterWorkspaceSize(cudnn.handle, xTensor, yTensor, convolution,
                            filter, algorithm, bytes);
            }
        }

        long workspace(Direction direction, int algorithm) {
            long[] bytes = new long[1];
            ok(workspace(direction, algorithm, bytes));
            return bytes[0];
        }
    }

    private static double[] integers(Random random, int count) {
        return random.ints(count, -60, 61).asDoubleStream().toArray();
    }

    private static List<Shape> shapes() {
        return List.of(
                Shape.of(2, 3, 4, 5, 6, 3, 3).pad(1, 1),
                Shape.of(2, 3, 2, 7, 6, 3, 2).pad(2, 0).stride(2, 3),
                Shape.of(1, 2, 3, 7, 8, 3, 2).pad(1, 2).stride(1, 2).dilate(2, 3),
                Shape.of(2, 4, 6, 4, 5, 2, 3).groups(2),
                Shape.of(1, 3, 3, 5, 4, 3, 3).groups(3).pad(1, 1),
                Shape.of(1, 2, 2, 5, 5, 3, 2).pad(1, 0).flip(),
                Shape.of(2, 5, 4, 3, 2, 1, 1),
                Shape.of(1, 1, 2, 2, 3, 2, 2).pad(3, 2),
                Shape.of(2, 2, 3, 4, 3, 5, 2, 3, 2).pad(1, 1, 0).stride(2, 1, 1).dilate(1, 1, 2),
                Shape.of(1, 4, 2, 3, 4, 3, 3, 1, 3).groups(2).pad(1, 0, 2).stride(1, 2, 2).flip());
    }

    /** Integers that all types hold: every product and sum is exact, and only the result rounds to its type. */
    @ParameterizedTest
    @MethodSource("shapes")
    void convolvesAsDefined(Shape shape) {
        Random random = new Random(shape.toString().hashCode());
        double[] x = integers(random, Layout.channelsFirst(shape.xDims()).count());
        double[] w = integers(random, Layout.channelsFirst(shape.wDims()).count());
        double[] y = integers(random, Layout.channelsFirst(shape.yDims()).count());
        for (Direction direction : Direction.values()) {
            double[] sums = shape.compute(direction, x, w, y);
            for (Format format : Format.values()) {
                for (Element type : Element.values()) {
                    Problem problem = new Problem(shape, type, format, cudnnMathType.CUDNN_DEFAULT_MATH);
                    expect(problem, direction, 1, 0, x, w, y, sums);
                    expect(problem, direction, 0.5, -2, x, w, y, sums);
                }
            }
        }
    }

    private void expect(Problem problem, Direction direction, double alpha, double beta, double[] x, double[] w,
            double[] y, double[] sums) {
        Element type = problem.type;
        double[] old = direction == Direction.FORWARD ? y : direction == Direction.BACKWARD_DATA ? x : w;
        Buffer xs = type.upload(device, problem.x.place(x, GAP));
        Buffer ws = type.upload(device, problem.w.place(w, GAP));
        Buffer ys = type.upload(device, problem.y.place(y, GAP));
        Layout layout = problem.result(direction);
        Buffer result = direction == Direction.FORWARD ? ys : direction == Direction.BACKWARD_DATA ? xs : ws;
        if (beta == 0) {
            // Then the old contents have no effect and are not read; the device would report a read of uninitialised
            // memory.
            double[] nothing = new double[layout.count()];
            Arrays.fill(nothing, Double.NaN);
            result = layout.extent() == layout.count() ? device.allocate((long) layout.extent() * type.bytes)
                    : type.upload(device, layout.place(nothing, GAP));
        }
        long bytes = problem.workspace(direction, ALGORITHM);
        Buffer workspace = device.allocate(bytes);
        ok(problem.run(direction, type.scalar(alpha), type.scalar(beta),
                (direction == Direction.BACKWARD_DATA ? result : xs).pointer(),
                (direction == Direction.BACKWARD_FILTER ? result : ws).pointer(),
                (direction == Direction.FORWARD ? result : ys).pointer(), ALGORITHM, workspace.pointer(), bytes));
        SoftDevice.synchronize();
        double[] expected = IntStream.range(0, sums.length)
                .mapToDouble(i -> type.round(alpha * sums[i] + (beta == 0 ? 0 : beta * old[i]))).toArray();
        assertArrayEquals(layout.place(expected, GAP), type.download(result), EXACT,
                () -> direction + " of " + problem.shape + " in " + type + " with alpha " + alpha);
    }

    /** Each direction is the transpose of the others: <y, conv(x, w)> is the same whichever is computed. */
    @Test
    void directionsAreAdjoint() {
        for (Shape shape : shapes()) {
            Problem problem = new Problem(shape);
            Random random = new Random(5);
            double[][] values = {integers(random, problem.x.count()), integers(random, problem.w.count()),
                integers(random, problem.y.count())};
            double[] products = new double[3];
            for (Direction direction : Direction.values()) {
                Buffer[] buffers = Arrays.stream(values).map(v -> Element.FLOAT.upload(device, v))
                        .toArray(Buffer[]::new);
                ok(problem.run(direction, buffers[0], buffers[1], buffers[2]));
                SoftDevice.synchronize();
                int result = (direction.ordinal() + 2) % 3;
                products[direction.ordinal()] = dot(values[result], Element.FLOAT.download(buffers[result]));
            }
            assertEquals(products[0], products[1], shape::toString);
            assertEquals(products[0], products[2], shape::toString);
        }
    }

    /**
     * One product per output, so that only the rounding of operands and result can change the value. An algorithm
     * without tensor cores multiplies floats whatever the math type.
     */
    @ParameterizedTest
    @EnumSource(Direction.class)
    void roundsFloatsToWhatTheMathTypeMultiplies(Direction direction) {
        int count = 500;
        Random random = new Random(6);
        double[] x = random.doubles(count, -2, 2).map(Element.FLOAT::round).toArray();
        double[] w = random.doubles(count, -2, 2).map(Element.FLOAT::round).toArray();
        double[] y = random.doubles(count, -2, 2).map(Element.FLOAT::round).toArray();
        Shape shape = Shape.of(1, count, count, 1, 1, 1, 1).groups(count);
        for (int math : MATHS) {
            Problem problem = new Problem(shape, Element.FLOAT, Format.CHANNELS_FIRST, math);
            for (int algorithm : new int[] {ALGORITHM, PLAIN_ALGORITHM}) {
                Buffer[] buffers = {Element.FLOAT.upload(device, x), Element.FLOAT.upload(device, w),
                    Element.FLOAT.upload(device, y)};
                long bytes = problem.workspace(direction, algorithm);
                ok(problem.run(direction, Element.FLOAT.scalar(1), Element.FLOAT.scalar(0), buffers[0].pointer(),
                        buffers[1].pointer(), buffers[2].pointer(), algorithm,
                        bytes == 0 ? new Pointer() : device.allocate(bytes).pointer(), bytes));
                SoftDevice.synchronize();
                double[] a = direction == Direction.BACKWARD_DATA ? y : x;
                double[] b = direction == Direction.BACKWARD_FILTER ? y : w;
                int used = algorithm == ALGORITHM ? math : cudnnMathType.CUDNN_FMA_MATH;
                double[] expected = IntStream.range(0, count)
                        .mapToDouble(i -> Element.FLOAT.round(operand(used, a[i]) * operand(used, b[i]))).toArray();
                assertArrayEquals(expected, Element.FLOAT.download(buffers[(direction.ordinal() + 2) % 3]), EXACT,
                        () -> cudnnMathType.stringFor(math) + ", algorithm " + algorithm);
            }
        }
    }

    /**
     * Where cuDNN's documentation has tensor cores: two algorithms, and with filters in NHWC channels of 16 bytes.
     * JCuda copies the math type of this direction only.
     */
    @Test
    void reportsTensorCoresWhereItUsesThem() {
        Direction direction = Direction.BACKWARD_FILTER;
        int winograd = cudnnConvolutionBwdFilterAlgo.CUDNN_CONVOLUTION_BWD_FILTER_ALGO_WINOGRAD_NONFUSED;
        for (Element type : Element.values()) {
            for (Format format : List.of(Format.CHANNELS_FIRST, Format.CHANNELS_LAST)) {
                for (int[] channels : new int[][] {{8, 16}, {4, 12}, {8, 3}, {1, 8}}) {
                    for (int math : MATHS) {
                        Problem problem = new Problem(Shape.of(1, channels[0], channels[1], 6, 5, 3, 3).pad(1, 1), type,
                                format, math);
                        int vector = 16 / type.bytes;
                        boolean fits = type != Element.DOUBLE && (format == Format.CHANNELS_FIRST
                                || channels[0] % vector == 0 && channels[1] % vector == 0);
                        for (Performance offer : performances(Query.HEURISTICS, problem, direction, 20)) {
                            boolean able = offer.algorithm == ALGORITHM || offer.algorithm == winograd;
                            assertEquals(math == cudnnMathType.CUDNN_FMA_MATH || fits && able ? math
                                    : cudnnMathType.CUDNN_DEFAULT_MATH, offer.math,
                                    () -> "algorithm " + offer.algorithm + " in " + type + " for " + problem.shape);
                        }
                    }
                }
            }
        }
    }

    /** What cuDNN 9 does not have for bfloat16, and must not compute in another type. */
    @ParameterizedTest
    @EnumSource(Direction.class)
    void refusesWhatBFloat16DoesNotHave(Direction direction) {
        Element type = Element.BFLOAT16;
        Shape shape = Shape.of(2, 8, 8, 5, 5, 3, 3).pad(1, 1);
        int math = cudnnMathType.CUDNN_TENSOR_OP_MATH;
        Buffer x = type.upload(device, new double[2 * 8 * 25 + 8]);
        Buffer w = type.upload(device, new double[8 * 8 * 9 + 8]);
        Buffer y = type.upload(device, new double[2 * 8 * 25 + 8]);
        Buffer workspace = device.allocate(1 << 16);
        Pointer one = Element.FLOAT.scalar(1);
        Pointer[] good = {x.pointer(), w.pointer(), y.pointer()};
        List<Refusal> refusals = List.of(
                new Refusal(BAD_PARAM, "a float input", p -> p.xTensor = cudnn.tensor(Element.FLOAT, p.x)),
                new Refusal(BAD_PARAM, "a half input", p -> p.xTensor = cudnn.tensor(Element.HALF, p.x)),
                new Refusal(BAD_PARAM, "a float filter", p -> p.filter = cudnn.filter(Element.FLOAT,
                        cudnnTensorFormat.CUDNN_TENSOR_NHWC, shape.wDims())),
                new Refusal(BAD_PARAM, "a float output", p -> p.yTensor = cudnn.tensor(Element.FLOAT, p.y)),
                new Refusal(NOT_SUPPORTED, "sums in bfloat16", p -> p.convolution = convolution(type, 1, 1, 1)),
                new Refusal(NOT_SUPPORTED, "sums in double", p -> p.convolution = convolution(Element.DOUBLE, 1, 1, 1)),
                new Refusal(BAD_PARAM, "channels", p -> p.xTensor = cudnn.tensor(type,
                        Layout.channelsLast(2, 16, 5, 5))));
        for (Refusal refusal : refusals) {
            Problem problem = new Problem(shape, type, Format.CHANNELS_LAST, math);
            refusal.spoil.accept(problem);
            assertEquals(refusal.category, problem.run(direction, one, Element.FLOAT.scalar(0), good[0], good[1],
                    good[2], ALGORITHM, workspace.pointer(), 1 << 16) / CATEGORY, refusal.what);
            assertEquals(refusal.category, problem.workspace(direction, ALGORITHM, new long[1]) / CATEGORY,
                    refusal.what);
        }
        Problem problem = new Problem(shape, type, Format.CHANNELS_LAST, math);
        assertEquals(NOT_SUPPORTED, problem.run(direction, one, Element.FLOAT.scalar(0), good[0], good[1], good[2],
                PLAIN_ALGORITHM, workspace.pointer(), 1 << 16) / CATEGORY, "an algorithm that is not for bfloat16");
        for (int i = 0; i < good.length; i++) {
            for (int offset : new int[] {1, 2, 8}) {
                Pointer[] p = good.clone();
                p[i] = List.of(x, w, y).get(i).at(offset);
                assertEquals(offset % 2 == 1 ? BAD_PARAM : NOT_SUPPORTED, problem.run(direction, one,
                        Element.FLOAT.scalar(0), p[0], p[1], p[2], ALGORITHM, workspace.pointer(), 1 << 16) / CATEGORY,
                        "array " + i + " off by " + offset + " bytes");
            }
        }
        ok(problem.run(direction, one, Element.FLOAT.scalar(0), good[0], good[1], good[2], ALGORITHM,
                workspace.pointer(), 1 << 16));
        SoftDevice.synchronize();
    }

    /** A float as tensor cores read it: TF32 (10 mantissa bits, ties away from zero) or half. */
    private static double operand(int math, double x) {
        switch (math) {
            case cudnnMathType.CUDNN_FMA_MATH:
                return x;
            case cudnnMathType.CUDNN_TENSOR_OP_MATH_ALLOW_CONVERSION:
                return Element.HALF.round(x);
            default:
                double step = Math.scalb(1.0, Math.getExponent(x) - 10);
                return Math.copySign(Math.floor(Math.abs(x) / step + 0.5) * step, x);
        }
    }

    /** 1 + 1 + ... stops at 2048 in half, and at 256 in bfloat16. */
    @Test
    void sumsHalvesInFloat() {
        int count = 4096;
        double[] ones = new double[count];
        Arrays.fill(ones, 1);
        for (Element type : List.of(Element.HALF, Element.BFLOAT16)) {
            Problem problem = new Problem(Shape.of(1, count, 1, 1, 1, 1, 1), type, Format.CHANNELS_FIRST,
                    cudnnMathType.CUDNN_DEFAULT_MATH);
            Buffer y = device.allocate(type.bytes);
            long bytes = problem.workspace(Direction.FORWARD, ALGORITHM);
            ok(problem.run(Direction.FORWARD, type.scalar(1), type.scalar(0), type.upload(device, ones).pointer(),
                    type.upload(device, ones).pointer(), y.pointer(), ALGORITHM, device.allocate(bytes).pointer(),
                    bytes));
            SoftDevice.synchronize();
            assertEquals(count, type.download(y)[0]);
        }
    }

    @Test
    void addsBiasAndActivates() {
        Shape shape = Shape.of(2, 3, 4, 5, 4, 3, 3).pad(1, 1);
        Random random = new Random(7);
        for (Format format : Format.values()) {
            for (boolean relu : new boolean[] {true, false}) {
                Problem problem = new Problem(shape, Element.FLOAT, format, cudnnMathType.CUDNN_DEFAULT_MATH);
                double[] x = integers(random, problem.x.count());
                double[] w = integers(random, problem.w.count());
                double[] z = integers(random, problem.y.count());
                double[] bias = integers(random, 4);
                cudnnActivationDescriptor activation = cudnn.activation(relu
                        ? cudnnActivationMode.CUDNN_ACTIVATION_RELU : cudnnActivationMode.CUDNN_ACTIVATION_IDENTITY,
                        0, 0);
                Buffer y = Element.FLOAT.upload(device, problem.y.place(z, GAP));
                long bytes = problem.workspace(Direction.FORWARD, ALGORITHM);
                Buffer workspace = device.allocate(bytes);
                Buffer xs = Element.FLOAT.upload(device, problem.x.place(x, GAP));
                Buffer ws = Element.FLOAT.upload(device, problem.w.place(w, GAP));
                Buffer biases = Element.FLOAT.upload(device, bias);
                // z may be y itself.
                ok(cudnnConvolutionBiasActivationForward(cudnn.handle, Element.FLOAT.scalar(0.5), problem.xTensor,
                        xs.pointer(), problem.filter, ws.pointer(), problem.convolution, ALGORITHM,
                        workspace.pointer(), bytes, Element.FLOAT.scalar(2), problem.yTensor, y.pointer(),
                        cudnn.tensor(Element.FLOAT, 1, 4, 1, 1), biases.pointer(), activation, problem.yTensor,
                        y.pointer()));
                SoftDevice.synchronize();
                double[] sums = shape.forward(x, w);
                double[] expected = IntStream.range(0, sums.length).mapToDouble(i -> {
                    double v = 0.5 * sums[i] + 2 * z[i] + bias[i / 20 % 4];
                    return relu ? Math.max(v, 0) : v;
                }).toArray();
                assertArrayEquals(problem.y.place(expected, GAP), Element.FLOAT.download(y), EXACT);
                if (!relu) {
                    assertEquals(NOT_SUPPORTED, cudnnConvolutionBiasActivationForward(cudnn.handle,
                            Element.FLOAT.scalar(1), problem.xTensor, xs.pointer(), problem.filter, ws.pointer(),
                            problem.convolution, 0, new Pointer(), 0, Element.FLOAT.scalar(1), problem.yTensor,
                            y.pointer(), cudnn.tensor(Element.FLOAT, 1, 4, 1, 1), biases.pointer(), activation,
                            problem.yTensor, y.pointer()) / CATEGORY, "algorithm 0 has no identity");
                }
            }
        }
    }

    @Test
    void tellsTheSizesOfTheOutput() {
        for (Shape shape : shapes()) {
            Problem problem = new Problem(shape);
            int[] dims = new int[shape.yDims().length];
            ok(cudnnGetConvolutionNdForwardOutputDim(problem.convolution, problem.xTensor, problem.filter,
                    dims.length, dims));
            assertArrayEquals(shape.yDims(), dims);
            int[][] sizes = new int[4][1];
            int status = cudnnGetConvolution2dForwardOutputDim(problem.convolution, problem.xTensor, problem.filter,
                    sizes[0], sizes[1], sizes[2], sizes[3]);
            if (dims.length == 4) {
                ok(status);
                assertArrayEquals(dims, Arrays.stream(sizes).mapToInt(size -> size[0]).toArray());
            } else {
                assertEquals(BAD_PARAM, status / CATEGORY);
            }
        }
    }

    /** The result of a query for one algorithm, for any direction. */
    private record Performance(int algorithm, int status, float time, long memory, int math) { }

    private enum Query { HEURISTICS, FIND }

    private List<Performance> performances(Query query, Problem p, Direction direction, int requested) {
        cudnnHandle h = cudnn.handle;
        int[] count = new int[1];
        boolean find = query == Query.FIND;
        List<Performance> list = new ArrayList<>();
        int got;
        switch (direction) {
            case FORWARD:
                var forward = new cudnnConvolutionFwdAlgoPerf[requested];
                got = find ? cudnnFindConvolutionForwardAlgorithm(h, p.xTensor, p.filter, p.convolution, p.yTensor,
                        requested, count, forward) : cudnnGetConvolutionForwardAlgorithm_v7(h, p.xTensor, p.filter,
                        p.convolution, p.yTensor, requested, count, forward);
                for (int i = 0; i < count[0]; i++) {
                    list.add(new Performance(forward[i].algo, forward[i].status, forward[i].time, forward[i].memory,
                            forward[i].mathType));
                }
                break;
            case BACKWARD_DATA:
                var data = new cudnnConvolutionBwdDataAlgoPerf[requested];
                got = find ? cudnnFindConvolutionBackwardDataAlgorithm(h, p.filter, p.yTensor, p.convolution,
                        p.xTensor, requested, count, data) : cudnnGetConvolutionBackwardDataAlgorithm_v7(h, p.filter,
                        p.yTensor, p.convolution, p.xTensor, requested, count, data);
                for (int i = 0; i < count[0]; i++) {
                    list.add(new Performance(data[i].algo, data[i].status, data[i].time, data[i].memory,
                            data[i].mathType));
                }
                break;
            default:
                var filter = new cudnnConvolutionBwdFilterAlgoPerf[requested];
                got = find ? cudnnFindConvolutionBackwardFilterAlgorithm(h, p.xTensor, p.yTensor, p.convolution,
                        p.filter, requested, count, filter) : cudnnGetConvolutionBackwardFilterAlgorithm_v7(h,
                        p.xTensor, p.yTensor, p.convolution, p.filter, requested, count, filter);
                for (int i = 0; i < count[0]; i++) {
                    list.add(new Performance(filter[i].algo, filter[i].status, filter[i].time, filter[i].memory,
                            filter[i].mathType));
                }
                break;
        }
        ok(got);
        return list;
    }

    private int algorithmCount(Direction direction) {
        int[] count = new int[1];
        ok(direction == Direction.FORWARD ? cudnnGetConvolutionForwardAlgorithmMaxCount(cudnn.handle, count)
                : direction == Direction.BACKWARD_DATA
                        ? cudnnGetConvolutionBackwardDataAlgorithmMaxCount(cudnn.handle, count)
                        : cudnnGetConvolutionBackwardFilterAlgorithmMaxCount(cudnn.handle, count));
        return count[0];
    }

    /**
     * All algorithms that a query offers give the same result and need the reported workspace. Those that it does not
     * offer are refused.
     */
    @ParameterizedTest
    @EnumSource(Direction.class)
    void offersTheAlgorithmsThatWork(Direction direction) {
        int all = algorithmCount(direction);
        // As many as the enumerations of cudnn.h have.
        assertEquals(List.of(8, 6, 7).get(direction.ordinal()), all);
        Shape plain = Shape.of(1, 2, 3, 6, 5, 3, 3).pad(1, 1);
        Random random = new Random(8);
        for (Shape shape : List.of(plain, plain.stride(2, 1), plain.dilate(2, 1), Shape.of(1, 2, 2, 5, 4, 2, 3),
                Shape.of(1, 2, 2, 3, 4, 3, 2, 2, 2))) {
            Problem problem = new Problem(shape);
            double[] x = integers(random, problem.x.count());
            double[] w = integers(random, problem.w.count());
            double[] y = integers(random, problem.y.count());
            double[] sums = shape.compute(direction, x, w, y);
            List<Performance> offers = performances(Query.HEURISTICS, problem, direction, 20);
            assertEquals(all, offers.stream().map(Performance::algorithm).distinct().count());
            assertEquals(offers.size(), all);
            assertEquals(0, offers.get(0).status, "the first is to be taken");
            assertEquals(offers.get(0), performances(Query.HEURISTICS, problem, direction, 1).get(0));
            boolean refused = false;
            for (Performance offer : offers) {
                long[] bytes = new long[1];
                int status = problem.workspace(direction, offer.algorithm, bytes);
                assertEquals(offer.status / CATEGORY, status / CATEGORY);
                bytes[0] = status == 0 ? bytes[0] : 0;
                Buffer workspace = device.allocate(Math.max(bytes[0], 4));
                Buffer[] buffers = {Element.FLOAT.upload(device, x), Element.FLOAT.upload(device, w),
                    Element.FLOAT.upload(device, y)};
                int ran = problem.run(direction, Element.FLOAT.scalar(1), Element.FLOAT.scalar(0),
                        buffers[0].pointer(), buffers[1].pointer(), buffers[2].pointer(), offer.algorithm,
                        bytes[0] == 0 ? new Pointer() : workspace.pointer(), bytes[0]);
                SoftDevice.synchronize();
                if (status == 0) {
                    ok(ran);
                    assertEquals(bytes[0], offer.memory);
                    assertFalse(refused, "what works comes first");
                    assertArrayEquals(sums, Element.FLOAT.download(buffers[(direction.ordinal() + 2) % 3]), EXACT);
                } else {
                    refused = true;
                    assertEquals(NOT_SUPPORTED, ran / CATEGORY);
                }
            }
            assertTrue(refused || shape == plain, "only plain windows of 3x3 suit them all");
        }
    }

    /** The algorithms that have conditions in cuDNN's tables. */
    @Test
    void offersAnAlgorithmWhereItsDocumentationSaysSo() {
        Shape plain = Shape.of(1, 2, 3, 6, 5, 3, 3).pad(1, 1);
        int winograd = cudnnConvolutionFwdAlgo.CUDNN_CONVOLUTION_FWD_ALGO_WINOGRAD;
        int fft = cudnnConvolutionFwdAlgo.CUDNN_CONVOLUTION_FWD_ALGO_FFT;
        int tiling = cudnnConvolutionFwdAlgo.CUDNN_CONVOLUTION_FWD_ALGO_FFT_TILING;
        int gemm = cudnnConvolutionFwdAlgo.CUDNN_CONVOLUTION_FWD_ALGO_GEMM;
        int implicit = cudnnConvolutionFwdAlgo.CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_GEMM;
        int direct = cudnnConvolutionFwdAlgo.CUDNN_CONVOLUTION_FWD_ALGO_DIRECT;
        assertOffered(plain, List.of(winograd, fft, tiling, gemm, implicit, ALGORITHM), List.of(direct));
        assertOffered(plain.stride(2, 2), List.of(gemm, implicit, ALGORITHM), List.of(winograd, fft, tiling, direct));
        assertOffered(plain.dilate(2, 2), List.of(implicit, ALGORITHM), List.of(winograd, fft, tiling, gemm, direct));
        assertOffered(Shape.of(1, 2, 3, 6, 5, 5, 5), List.of(fft, tiling), List.of(winograd));
        assertOffered(plain.pad(3, 3), List.of(implicit), List.of(fft, tiling));
        assertOffered(Shape.of(1, 1, 1, 255, 2, 3, 1).pad(1, 0), List.of(tiling), List.of(fft));
        assertOffered(Shape.of(1, 2, 3, 3, 4, 5, 2, 2, 2), List.of(tiling, implicit), List.of(winograd, fft, gemm));
    }

    private void assertOffered(Shape shape, List<Integer> offered, List<Integer> not) {
        Problem problem = new Problem(shape);
        offered.forEach(algorithm -> assertTrue(problem.workspace(Direction.FORWARD, algorithm) >= 0));
        not.forEach(algorithm -> assertEquals(NOT_SUPPORTED,
                problem.workspace(Direction.FORWARD, algorithm, new long[1]) / CATEGORY,
                () -> shape + ": " + cudnnConvolutionFwdAlgo.stringFor(algorithm)));
    }

    @ParameterizedTest
    @EnumSource(Direction.class)
    void findsAlgorithmsForAWorkspace(Direction direction) {
        Shape shape = Shape.of(1, 2, 3, 6, 5, 3, 3).pad(1, 1);
        Problem p = new Problem(shape);
        List<Performance> found = performances(Query.FIND, p, direction, 20);
        for (int i = 1; i < found.size() && found.get(i).status == 0; i++) {
            assertTrue(found.get(i).time >= found.get(i - 1).time, "by time");
        }
        assertTrue(found.get(0).time >= 0);
        Buffer x = device.buffer(new float[p.x.count()]);
        Buffer w = device.buffer(new float[p.w.count()]);
        Buffer y = device.buffer(new float[p.y.count()]);
        cudnnHandle h = cudnn.handle;
        int[] count = new int[1];
        var forward = new cudnnConvolutionFwdAlgoPerf[8];
        var data = new cudnnConvolutionBwdDataAlgoPerf[8];
        var filter = new cudnnConvolutionBwdFilterAlgoPerf[8];
        Buffer result;
        long memory;
        int status;
        switch (direction) {
            case FORWARD:
                ok(cudnnFindConvolutionForwardAlgorithmEx(h, p.xTensor, x.pointer(), p.filter, w.pointer(),
                        p.convolution, p.yTensor, y.pointer(), 8, count, forward, new Pointer(), 0));
                result = y;
                memory = forward[0].memory;
                status = forward[count[0] - 1].status;
                break;
            case BACKWARD_DATA:
                ok(cudnnFindConvolutionBackwardDataAlgorithmEx(h, p.filter, w.pointer(), p.yTensor, y.pointer(),
                        p.convolution, p.xTensor, x.pointer(), 8, count, data, new Pointer(), 0));
                result = x;
                memory = data[0].memory;
                status = data[count[0] - 1].status;
                break;
            default:
                ok(cudnnFindConvolutionBackwardFilterAlgorithmEx(h, p.xTensor, x.pointer(), p.yTensor, y.pointer(),
                        p.convolution, p.filter, w.pointer(), 8, count, filter, new Pointer(), 0));
                result = w;
                memory = filter[0].memory;
                status = filter[count[0] - 1].status;
                break;
        }
        SoftDevice.synchronize();
        assertEquals(0, memory, "without a workspace the best one needs none");
        assertNotEquals(0, status, "and not all can do without");
        for (double value : Element.FLOAT.download(result)) {
            assertNotEquals(0, value, "the search leaves nothing of the result");
        }
    }

    @ParameterizedTest
    @EnumSource(Direction.class)
    void usesTheWorkspace(Direction direction) {
        Problem problem = new Problem(Shape.of(1, 2, 3, 6, 5, 3, 3).pad(1, 1));
        long bytes = problem.workspace(direction, ALGORITHM);
        assertTrue(bytes > 0);
        int[] marks = new int[(int) (bytes / 4)];
        Arrays.fill(marks, 0x12345678);
        Buffer workspace = device.buffer(marks);
        Buffer x = device.buffer(new float[problem.x.count()]);
        Buffer w = device.buffer(new float[problem.w.count()]);
        Buffer y = device.buffer(new float[problem.y.count()]);
        assertEquals(BAD_PARAM, runWith(problem, direction, x, w, y, workspace.pointer(), bytes - 1), "too small");
        assertEquals(BAD_PARAM, runWith(problem, direction, x, w, y, new Pointer(), bytes), "null");
        assertEquals(BAD_PARAM, runWith(problem, direction, x, w, y, workspace.at(4), bytes), "not aligned");
        assertEquals(BAD_PARAM, runWith(problem, direction, x, w, y, x.pointer(), bytes), "an operand's memory");
        SoftDevice.synchronize();
        assertArrayEquals(marks, workspace.ints());
        assertEquals(0, runWith(problem, direction, x, w, y, workspace.pointer(), bytes));
        SoftDevice.synchronize();
        for (int mark : workspace.ints()) {
            assertNotEquals(0x12345678, mark, "nothing survives there");
        }
        Buffer small = device.allocate(bytes - 4);
        String report = device.expectFault(CUresult.CUDA_ERROR_ILLEGAL_ADDRESS, () -> {
            ok(runWith(problem, direction, x, w, y, small.pointer(), bytes));
            SoftDevice.synchronize();
        });
        assertTrue(report.contains("workspace"), report);
    }

    private static int runWith(Problem problem, Direction direction, Buffer x, Buffer w, Buffer y, Pointer workspace,
            long bytes) {
        return problem.run(direction, Element.FLOAT.scalar(1), Element.FLOAT.scalar(0), x.pointer(), w.pointer(),
                y.pointer(), ALGORITHM, workspace, bytes) / CATEGORY;
    }

    @ParameterizedTest
    @EnumSource(Direction.class)
    void refusesWhatDoesNotFit(Direction direction) {
        Shape shape = Shape.of(2, 4, 6, 5, 5, 3, 3).groups(2).pad(1, 1);
        float[] untouched = new float[6 * 4 * 40];
        Arrays.fill(untouched, 3);
        Buffer x = device.buffer(untouched);
        Buffer w = device.buffer(untouched);
        Buffer y = device.buffer(untouched);
        Pointer one = Element.FLOAT.scalar(1);
        Pointer nothing = new Pointer();
        Pointer[] good = {one, one, x.pointer(), w.pointer(), y.pointer()};

        for (int i = 0; i < good.length; i++) {
            Pointer[] p = good.clone();
            p[i] = nothing;
            assertEquals(BAD_PARAM, runOn(new Problem(shape), direction, p, 0), "pointer " + i + " null");
            if (i >= 2) {
                p[i] = List.of(x, w, y).get(i - 2).at(2);
                assertEquals(BAD_PARAM, runOn(new Problem(shape), direction, p, 0), "pointer " + i + " misaligned");
            }
        }
        assertEquals(BAD_PARAM, runOn(new Problem(shape), direction, good, 99), "no such algorithm");
        Pointer[] mixed = good.clone();
        int result = 2 + (direction.ordinal() + 2) % 3;
        for (int i = 2; i < 5; i++) {
            if (i != result) {
                mixed[result] = List.of(x, w, y).get(i - 2).at(4);
                assertEquals(BAD_PARAM, runOn(new Problem(shape), direction, mixed, 0), "overlaps pointer " + i);
            }
        }
        for (Refusal refusal : refusals()) {
            Problem problem = new Problem(shape);
            refusal.spoil.accept(problem);
            assertEquals(refusal.category, runOn(problem, direction, good, 0), refusal.what);
            assertEquals(refusal.category, problem.workspace(direction, 0, new long[1]) / CATEGORY, refusal.what);
        }
        Problem overlapping = new Problem(shape);
        Layout stacked = new Layout(shape.xDims(), new int[] {1, 1, 1, 1});
        if (direction == Direction.BACKWARD_DATA) {
            overlapping.xTensor = cudnn.tensor(Element.FLOAT, stacked);
            assertEquals(NOT_SUPPORTED, runOn(overlapping, direction, good, 0), "a result on top of itself");
        }
        SoftDevice.synchronize();
        for (Buffer buffer : List.of(x, w, y)) {
            assertArrayEquals(untouched, buffer.floats());
        }
    }

    private int runOn(Problem problem, Direction direction, Pointer[] p, int algorithm) {
        return problem.run(direction, p[0], p[1], p[2], p[3], p[4], algorithm, new Pointer(), 0) / CATEGORY;
    }

    private record Refusal(int category, String what, Consumer<Problem> spoil) { }

    /**
     * The errors listed in the documentation of cudnnConvolutionForward, for a convolution of 2x4x5x5 in 2 groups, to
     * 2x6x5x5.
     */
    private List<Refusal> refusals() {
        Element f = Element.FLOAT;
        int nchw = cudnnTensorFormat.CUDNN_TENSOR_NCHW;
        return List.of(
                new Refusal(BAD_PARAM, "channels", p -> p.xTensor = cudnn.tensor(f, 2, 6, 5, 5)),
                new Refusal(BAD_PARAM, "images", p -> p.xTensor = cudnn.tensor(f, 3, 4, 5, 5)),
                new Refusal(BAD_PARAM, "input's type", p -> p.xTensor = cudnn.tensor(Element.HALF, 2, 4, 5, 5)),
                new Refusal(BAD_PARAM, "input's rank", p -> p.xTensor = cudnn.tensor(f, 2, 4, 5, 5, 5)),
                new Refusal(BAD_PARAM, "input not set", p -> p.xTensor = cudnn.emptyTensor()),
                new Refusal(BAD_PARAM, "input null", p -> p.xTensor = new cudnnTensorDescriptor()),
                new Refusal(BAD_PARAM, "filter's channels", p -> p.filter = cudnn.filter(f, nchw, 6, 4, 3, 3)),
                new Refusal(BAD_PARAM, "filters among groups", p -> p.filter = cudnn.filter(f, nchw, 7, 2, 3, 3)),
                new Refusal(BAD_PARAM, "filter's type", p -> p.filter = cudnn.filter(Element.HALF, nchw, 6, 2, 3, 3)),
                new Refusal(BAD_PARAM, "filter's rank", p -> p.filter = cudnn.filter(f, nchw, 6, 2, 3, 3, 3)),
                new Refusal(BAD_PARAM, "window over the input", p -> p.filter = cudnn.filter(f, nchw, 6, 2, 8, 3)),
                new Refusal(BAD_PARAM, "filter not set", p -> p.filter = cudnn.emptyFilter()),
                new Refusal(BAD_PARAM, "filter null", p -> p.filter = new cudnnFilterDescriptor()),
                new Refusal(BAD_PARAM, "output's channels", p -> p.yTensor = cudnn.tensor(f, 2, 4, 5, 5)),
                new Refusal(BAD_PARAM, "output's type", p -> p.yTensor = cudnn.tensor(Element.DOUBLE, 2, 6, 5, 5)),
                new Refusal(NOT_SUPPORTED, "output's sizes", p -> p.yTensor = cudnn.tensor(f, 2, 6, 5, 4)),
                new Refusal(BAD_PARAM, "convolution not set", p -> p.convolution = cudnn.emptyConvolution()),
                new Refusal(BAD_PARAM, "convolution null", p -> p.convolution = new cudnnConvolutionDescriptor()),
                new Refusal(BAD_PARAM, "convolution's rank", p -> p.convolution = convolution(f, 2, 1, 1, 1)),
                new Refusal(BAD_PARAM, "groups", p -> p.convolution = convolution(f, 1, 1, 1)),
                new Refusal(NOT_SUPPORTED, "sums in half", p -> p.convolution = convolution(Element.HALF, 2, 1, 1)),
                new Refusal(NOT_SUPPORTED, "sums in double", p -> p.convolution = convolution(Element.DOUBLE, 2, 1, 1)),
                new Refusal(NOT_SUPPORTED, "channels last in the filter alone",
                        p -> p.filter = cudnn.filter(f, cudnnTensorFormat.CUDNN_TENSOR_NHWC, 6, 2, 3, 3)));
    }

    private cudnnConvolutionDescriptor convolution(Element compute, int groups, int... pad) {
        int[] ones = Shape.ones(pad.length);
        return cudnn.convolution(compute, cudnnConvolutionMode.CUDNN_CROSS_CORRELATION, groups,
                cudnnMathType.CUDNN_DEFAULT_MATH, pad, ones, ones);
    }

    @Test
    void knowsDestroyedDescriptors() {
        Shape shape = Shape.of(1, 1, 1, 2, 2, 1, 1);
        Buffer x = device.buffer(1f, 2f, 3f, 4f);
        Buffer w = device.buffer(1f);
        Buffer y = device.allocate(16);
        Problem problem = new Problem(shape);
        ok(problem.run(Direction.FORWARD, x, w, y));
        cudnnTensorDescriptor tensor = new cudnnTensorDescriptor();
        ok(cudnnCreateTensorDescriptor(tensor));
        ok(cudnnSetTensor4dDescriptor(tensor, 0, 0, 1, 1, 2, 2));
        problem.xTensor = tensor;
        ok(problem.run(Direction.FORWARD, x, w, y));
        ok(cudnnDestroyTensorDescriptor(tensor));
        assertEquals(BAD_PARAM, problem.run(Direction.FORWARD, x, w, y) / CATEGORY);
        assertEquals(BAD_PARAM, cudnnDestroyTensorDescriptor(tensor) / CATEGORY);
        SoftDevice.synchronize();
    }

    /** Calls return at once. Errors in the work are reported when it runs, with the name of the operand. */
    @ParameterizedTest
    @EnumSource(Direction.class)
    void reportsMemoryThatIsMissingOrNotWritten(Direction direction) {
        Shape shape = Shape.of(1, 2, 3, 4, 4, 3, 3);
        int[] counts = {32, 54, 12};
        String[] names = {"input", "filter", "output"};
        int result = (direction.ordinal() + 2) % 3;
        for (int bad = 0; bad < 3; bad++) {
            for (int fault : new int[] {CUresult.CUDA_ERROR_ILLEGAL_ADDRESS, CUresult.CUDA_ERROR_LAUNCH_FAILED}) {
                boolean small = fault == CUresult.CUDA_ERROR_ILLEGAL_ADDRESS;
                if (bad == result && !small) {
                    continue; // It is written, not read.
                }
                Problem problem = new Problem(shape);
                Buffer[] buffers = new Buffer[3];
                for (int i = 0; i < 3; i++) {
                    buffers[i] = device.buffer(new float[i == bad && small ? counts[i] - 1 : counts[i]]);
                }
                if (bad != result && !small) {
                    // All but the last element.
                    buffers[bad] = device.allocate(counts[bad] * 4L);
                    check(cuMemcpyHtoD(buffers[bad].pointer(), Pointer.to(new float[counts[bad] - 1]),
                            counts[bad] * 4L - 4));
                }
                String report = device.expectFault(fault, () -> {
                    ok(problem.run(direction, buffers[0], buffers[1], buffers[2]));
                    SoftDevice.synchronize();
                });
                assertTrue(report.contains("cudnnConvolution") && report.contains(names[bad]), report);
            }
        }
    }

    @Test
    void doesNotReadGaps() {
        Problem problem = new Problem(Shape.of(1, 1, 1, 1, 3, 1, 1));
        problem.xTensor = cudnn.tensor(Element.FLOAT, new Layout(new int[] {1, 1, 1, 3}, new int[] {6, 6, 6, 2}));
        Buffer x = device.allocate(20);
        for (int i = 0; i < 3; i++) {
            check(cuMemcpyHtoD(x.at(8L * i), Pointer.to(new float[] {i + 1}), 4));
        }
        Buffer y = device.allocate(12);
        ok(problem.run(Direction.FORWARD, x, device.buffer(2f), y));
        SoftDevice.synchronize();
        assertArrayEquals(new float[] {2, 4, 6}, y.floats());
    }

    @Test
    void runsInTheOrderOfItsStream() {
        CUstream stream = stream();
        Problem problem = new Problem(Shape.of(1, 1, 1, 2, 2, 1, 1));
        Buffer x = device.buffer(0f, 0f, 0f, 0f);
        Buffer w = device.buffer(2f);
        Buffer y = device.buffer(7f, 7f, 7f, 7f);
        check(cuMemsetD32Async(x.pointer(), Float.floatToIntBits(3), 4, stream));
        float[] alpha = {1};
        ok(problem.run(Direction.FORWARD, Pointer.to(alpha), Element.FLOAT.scalar(0), x.pointer(), w.pointer(),
                y.pointer(), 0, new Pointer(), 0));
        alpha[0] = 100;
        check(cuMemsetD32Async(x.pointer(), Float.floatToIntBits(5), 4, stream));
        assertArrayEquals(new float[] {7, 7, 7, 7}, y.floats(), "the default stream does not wait for this one");
        check(cuStreamSynchronize(stream));
        assertArrayEquals(new float[] {6, 6, 6, 6}, y.floats());
        close(stream);
    }

    @Test
    void isCapturedInGraphs() {
        CUstream stream = stream();
        Problem problem = new Problem(Shape.of(1, 1, 1, 2, 2, 1, 1));
        Buffer x = device.buffer(1f, 2f, 3f, 4f);
        Buffer w = device.buffer(10f);
        Buffer y = device.buffer(0f, 0f, 0f, 0f);
        check(cuStreamBeginCapture(stream, CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_GLOBAL));
        ok(problem.run(Direction.FORWARD, Element.FLOAT.scalar(1), Element.FLOAT.scalar(1), x.pointer(), w.pointer(),
                y.pointer(), 0, new Pointer(), 0));
        CUgraph graph = new CUgraph();
        check(cuStreamEndCapture(stream, graph));
        CUgraphExec executable = new CUgraphExec();
        check(cuGraphInstantiate(executable, graph, 0));
        assertArrayEquals(new float[4], y.floats());
        for (int launch = 1; launch <= 2; launch++) {
            check(cuGraphLaunch(executable, stream));
            check(cuStreamSynchronize(stream));
            assertArrayEquals(new float[] {launch * 10, launch * 20, launch * 30, launch * 40}, y.floats());
        }
        check(cuGraphExecDestroy(executable));
        check(cuGraphDestroy(graph));
        close(stream);
    }

    private CUstream stream() {
        CUstream stream = new CUstream();
        check(cuStreamCreate(stream, CUstream_flags.CU_STREAM_NON_BLOCKING));
        ok(cudnnSetStream(cudnn.handle, new cudaStream_t(stream)));
        return stream;
    }

    private void close(CUstream stream) {
        ok(cudnnSetStream(cudnn.handle, null));
        check(cuStreamDestroy(stream));
    }
}
