package io.framecast.backend.cuda.layer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import io.framecast.backend.Activation;
import io.framecast.backend.ConvLstmSpec;
import io.framecast.backend.Plan;
import io.framecast.backend.Tensor;
import io.framecast.backend.Weights;
import io.framecast.backend.cuda.convolution.KernelConvolutions;
import io.framecast.backend.cuda.launch.CudaOps;
import io.framecast.backend.cuda.launch.KernelDevice;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * The fused step (one launch per frame) against separate launches for the recurrent convolution and the gates. Both add
 * the products of a gate in the same order, and the input's part last, so the results must be equal bit for bit. So
 * must the gradients, which are computed from the stored values.
 */
class FusedStepTest {

    private static final int FRAMES = 3;
    private static final int BATCH = 2;
    private static final int HEIGHT = 9;
    private static final int WIDTH = 10;

    @RegisterExtension
    final KernelDevice device = new KernelDevice();

    @ParameterizedTest
    @CsvSource({"1, 5, 3, TANH, SIGMOID", "4, 33, 3, RELU, HARD_SIGMOID", "3, 8, 1, TANH, SIGMOID"})
    void agreesWithTheUnfusedPairToTheBit(int channels, int filters, int kernel, Activation activation,
            Activation recurrent) {
        ConvLstmSpec spec = new ConvLstmSpec(HEIGHT, WIDTH, channels, filters, kernel, kernel, 1, 1, 1, 1, true,
                activation, recurrent);
        List<float[]> fused = run(spec, true);
        List<float[]> unfused = run(spec, false);
        for (int k = 0; k < fused.size(); k++) {
            assertArrayEquals(unfused.get(k), fused.get(k), "result " + k);
        }
    }

    /** Hidden states, the gradient of the input, and those of the parameters. */
    private List<float[]> run(ConvLstmSpec spec, boolean fused) {
        Random random = new Random(1);
        CudaOps ops = device.ops();
        KernelConvolutions kernels = new KernelConvolutions(ops);
        int taps = spec.kernelHeight() * spec.kernelWidth();
        List<Weights> weights = new ArrayList<>();
        for (int size : new int[] {taps * spec.channels() * 4 * spec.filters(),
            taps * spec.filters() * 4 * spec.filters(), 4 * spec.filters()}) {
            weights.add(new Weights(tensor(ops, random, size, 1 / Math.sqrt(taps * spec.filters())),
                    ops.zeros(size)));
        }
        Tensor x = tensor(ops, random, FRAMES * BATCH * HEIGHT * WIDTH * spec.channels(), 1);
        Tensor dh = tensor(ops, random, FRAMES * BATCH * HEIGHT * WIDTH * spec.filters(), 1);
        try (CudaConvLstm op = new CudaConvLstm(ops, fused ? kernels : kernels::make, spec,
                new Plan(FRAMES, BATCH, true, true), weights.get(0), weights.get(1), weights.get(2))) {
            List<float[]> results = new ArrayList<>();
            results.add(op.forward(x, FRAMES, BATCH, true).read());
            results.add(op.backward(dh).read());
            weights.forEach(weight -> results.add(weight.gradient().read()));
            return results;
        } finally {
            x.close();
            dh.close();
            weights.forEach(weight -> {
                weight.value().close();
                weight.gradient().close();
            });
        }
    }

    private static Tensor tensor(CudaOps ops, Random random, int size, double scale) {
        float[] values = new float[size];
        for (int k = 0; k < size; k++) {
            values[k] = (float) (scale * random.nextGaussian());
        }
        Tensor tensor = ops.zeros(size);
        tensor.write(values);
        return tensor;
    }
}
