package io.framecast.softgpu;

import static io.framecast.softgpu.Cudnn.ok;
import static jcuda.jcudnn.JCudnn.cudnnCreateLRNDescriptor;
import static jcuda.jcudnn.JCudnn.cudnnCreatePoolingDescriptor;
import static jcuda.jcudnn.JCudnn.cudnnDestroyLRNDescriptor;
import static jcuda.jcudnn.JCudnn.cudnnDestroyPoolingDescriptor;
import static jcuda.jcudnn.JCudnn.cudnnGetPoolingNdForwardOutputDim;
import static jcuda.jcudnn.JCudnn.cudnnLRNCrossChannelForward;
import static jcuda.jcudnn.JCudnn.cudnnPoolingForward;
import static jcuda.jcudnn.JCudnn.cudnnSetLRNDescriptor;
import static jcuda.jcudnn.JCudnn.cudnnSetPoolingNdDescriptor;
import static jcuda.jcudnn.JCudnn.cudnnSoftmaxForward;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Arrays;
import java.util.Random;
import jcuda.Pointer;
import jcuda.jcudnn.cudnnLRNDescriptor;
import jcuda.jcudnn.cudnnPoolingDescriptor;
import jcuda.jcudnn.cudnnTensorDescriptor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Pooling, softmax and normalisation across channels, against their definitions in double. */
class CudnnPoolingTest {

    private static final int[] DIMS = {2, 3, 5, 4};

    /** Some roundings of double in sums, powers and exponentials of a few numbers near 1. */
    private static final double TOLERANCE = 1e-14;

    @RegisterExtension
    final SoftDevice device = new SoftDevice();

    private final Random random = new Random(3);
    private final Pointer one = Element.DOUBLE.scalar(1);
    private final Pointer two = Element.DOUBLE.scalar(2);
    private Cudnn cudnn;

    @BeforeEach
    void create() {
        cudnn = new Cudnn();
    }

    @AfterEach
    void destroy() {
        cudnn.close();
    }

    private double[] values(int count) {
        return random.doubles(count, -2, 2).toArray();
    }

    /** Windows of 3 by 2 with padding 1 and 0, stride 2 and 1; of channels-last tensors, too; added to old contents. */
    @ParameterizedTest
    @CsvSource({"0,false", "1,false", "2,false", "3,true", "1,true"})
    void pools(int mode, boolean channelsLast) {
        int[] window = {3, 2};
        int[] pad = {1, 0};
        int[] stride = {2, 1};
        cudnnPoolingDescriptor pooling = new cudnnPoolingDescriptor();
        ok(cudnnCreatePoolingDescriptor(pooling));
        ok(cudnnSetPoolingNdDescriptor(pooling, mode, 0, 2, window, pad, stride));
        Layout in = channelsLast ? Layout.channelsLast(DIMS) : Layout.withGaps(DIMS);
        cudnnTensorDescriptor xTensor = cudnn.tensor(Element.DOUBLE, in);
        int[] dims = new int[4];
        ok(cudnnGetPoolingNdForwardOutputDim(pooling, xTensor, 4, dims));
        assertArrayEquals(new int[] {2, 3, 3, 3}, dims);
        double[] x = values(in.count());
        double[] old = values(2 * 3 * 3 * 3);
        Buffer y = device.buffer(old);
        ok(cudnnPoolingForward(cudnn.handle, pooling, two, xTensor, device.buffer(in.place(x, Double.NaN)).pointer(),
                one, cudnn.tensor(Element.DOUBLE, dims), y.pointer()));
        SoftDevice.synchronize();
        double[] expected = old.clone();
        for (int i = 0; i < expected.length; i++) {
            int plane = i / 9;
            int row = i / 3 % 3 * 2 - 1;
            int column = i % 3;
            double sum = 0;
            double max = Double.NEGATIVE_INFINITY;
            int inside = 0;
            for (int r = Math.max(row, 0); r < Math.min(row + 3, 5); r++) {
                for (int c = column; c < column + 2; c++) {
                    double value = x[(plane * 5 + r) * 4 + c];
                    sum += value;
                    max = Math.max(max, value);
                    inside++;
                }
            }
            expected[i] += 2 * (mode == 1 ? sum / 6 : mode == 2 ? sum / inside : max);
        }
        assertArrayEquals(expected, y.doubles(), TOLERANCE);
        ok(cudnnDestroyPoolingDescriptor(pooling));
    }

    /** NaN is propagated where asked, and passed over where not. */
    @Test
    void poolsNans() {
        cudnnTensorDescriptor x = cudnn.tensor(Element.FLOAT, 1, 1, 4);
        cudnnTensorDescriptor y = cudnn.tensor(Element.FLOAT, 1, 1, 2);
        Buffer in = device.buffer(Float.NaN, -1f, -3f, -2f);
        Buffer out = device.allocate(8);
        cudnnPoolingDescriptor pooling = new cudnnPoolingDescriptor();
        ok(cudnnCreatePoolingDescriptor(pooling));
        for (int propagate = 0; propagate < 2; propagate++) {
            ok(cudnnSetPoolingNdDescriptor(pooling, 0, propagate, 1, new int[] {2}, new int[] {0}, new int[] {2}));
            ok(cudnnPoolingForward(cudnn.handle, pooling, Element.FLOAT.scalar(1), x, in.pointer(),
                    Element.FLOAT.scalar(0), y, out.pointer()));
            SoftDevice.synchronize();
            assertArrayEquals(new float[] {propagate == 1 ? Float.NaN : -1, -2}, out.floats());
        }
        ok(cudnnDestroyPoolingDescriptor(pooling));
    }

    /** Tensors of 3 dimensions: over all of an image, and over its channels at each place; in place. */
    @ParameterizedTest
    @CsvSource({"0,0", "1,0", "2,0", "0,1", "1,1", "2,1"})
    void computesSoftmax(int algorithm, int mode) {
        cudnnTensorDescriptor tensor = cudnn.tensor(Element.DOUBLE, 2, 3, 4);
        double[] x = values(24);
        Buffer y = device.buffer(x);
        ok(cudnnSoftmaxForward(cudnn.handle, algorithm, mode, one, tensor, y.pointer(), Element.DOUBLE.scalar(0),
                tensor, y.pointer()));
        SoftDevice.synchronize();
        double[] expected = new double[24];
        for (int i = 0; i < 24; i++) {
            double sum = 0;
            for (int j = 0; j < 24; j++) {
                if (i / 12 == j / 12 && (mode == 0 || i % 4 == j % 4)) {
                    sum += Math.exp(x[j]);
                }
            }
            expected[i] = algorithm == 2 ? x[i] - Math.log(sum) : Math.exp(x[i]) / sum;
        }
        assertArrayEquals(expected, y.doubles(), TOLERANCE);
    }

    /** Only the accurate algorithms take numbers whose exponentials are too large. */
    @Test
    void subtractsTheLargestNumber() {
        cudnnTensorDescriptor tensor = cudnn.tensor(Element.DOUBLE, 1, 2, 1);
        Buffer y = device.buffer(1000.0, 1000.0);
        ok(cudnnSoftmaxForward(cudnn.handle, 1, 0, one, tensor, y.pointer(), Element.DOUBLE.scalar(0), tensor,
                y.pointer()));
        SoftDevice.synchronize();
        assertArrayEquals(new double[] {0.5, 0.5}, y.doubles());
    }

    /** A window of 4 channels reaches over one before and two after. */
    @ParameterizedTest
    @ValueSource(ints = {1, 4, 5})
    void normalizesAcrossChannels(int window) {
        int channels = 6;
        cudnnLRNDescriptor lrn = new cudnnLRNDescriptor();
        ok(cudnnCreateLRNDescriptor(lrn));
        ok(cudnnSetLRNDescriptor(lrn, window, 0.5, 0.75, 2));
        cudnnTensorDescriptor tensor = cudnn.tensor(Element.DOUBLE, 2, channels, 1, 3);
        double[] x = values(2 * channels * 3);
        Buffer y = device.buffer(new double[x.length]);
        ok(cudnnLRNCrossChannelForward(cudnn.handle, lrn, 0, one, tensor, device.buffer(x).pointer(), two, tensor,
                y.pointer()));
        SoftDevice.synchronize();
        double[] expected = new double[x.length];
        Arrays.setAll(expected, i -> {
            int channel = i / 3 % channels;
            double sum = 0;
            for (int c = channel - (window - 1) / 2; c <= channel + window / 2; c++) {
                if (c >= 0 && c < channels) {
                    sum += Math.pow(x[i + 3 * (c - channel)], 2);
                }
            }
            return x[i] / Math.pow(2 + 0.5 * sum / window, 0.75);
        });
        assertArrayEquals(expected, y.doubles(), TOLERANCE);
        ok(cudnnDestroyLRNDescriptor(lrn));
    }

    @Test
    void refusesWhatDoesNotFit() {
        cudnnPoolingDescriptor pooling = new cudnnPoolingDescriptor();
        ok(cudnnCreatePoolingDescriptor(pooling));
        int[] two = {2, 2};
        int[] none = {0, 0};
        assertEquals(Cudnn.BAD_PARAM, cudnnSetPoolingNdDescriptor(pooling, 4, 0, 2, two, none, two) / 1000);
        assertEquals(Cudnn.BAD_PARAM, cudnnSetPoolingNdDescriptor(pooling, 0, 0, 2, none, none, two) / 1000);
        assertEquals(Cudnn.BAD_PARAM, cudnnSetPoolingNdDescriptor(pooling, 0, 0, 2, two, two, two) / 1000);
        ok(cudnnSetPoolingNdDescriptor(pooling, 0, 0, 2, two, none, two));
        cudnnTensorDescriptor x = cudnn.tensor(Element.DOUBLE, 1, 1, 4, 4);
        Buffer memory = device.buffer(new double[16]);
        assertEquals(Cudnn.BAD_PARAM, cudnnPoolingForward(cudnn.handle, pooling, one, x, memory.pointer(), one,
                cudnn.tensor(Element.DOUBLE, 1, 1, 3, 2), device.buffer(new double[6]).pointer()) / 1000);
        ok(cudnnDestroyPoolingDescriptor(pooling));
        assertEquals(Cudnn.BAD_PARAM, cudnnDestroyPoolingDescriptor(pooling) / 1000);
    }
}
