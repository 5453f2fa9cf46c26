package io.framecast.nn;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import io.framecast.backend.Backend;
import io.framecast.backend.Convolutions;
import io.framecast.backend.Loss;
import io.framecast.backend.LossOp;
import io.framecast.backend.Precision;
import io.framecast.backend.Program;
import io.framecast.backend.Tensor;
import io.framecast.backend.TestDevice;
import io.framecast.backend.cpu.CpuBackend;
import io.framecast.backend.cuda.CudaBackend;
import java.util.Map;
import java.util.Random;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** The same seed, precision and number of threads give the same bits. */
class DeterminismTest {

    private static final int STEPS = 5;
    private static final int FRAMES = 4;
    private static final int BATCH = 2;

    // Large enough that every pass over the data or the parameters is cut into several parts.
    private static final ModelConfig CPU_MODEL = model(72, 64);
    private static final ModelConfig CUDA_MODEL = model(16, 24);

    private static ModelConfig model(int height, int width) {
        return ModelJson.parse("""
            {"input": {"height": %d, "width": %d, "channels": 1}, "layers": [
                {"type": "ConvLSTM2D", "filters": 6, "kernel_size": 3, "padding": "same", "activation": "relu"},
                {"type": "BatchNormalization"},
                {"type": "Conv3D", "filters": 6, "kernel_size": [2, 3, 3], "activation": "tanh"},
                {"type": "LayerNormalization"},
                {"type": "AveragePooling3D", "pool_size": [1, 3, 3], "strides": 1, "padding": "same"},
                {"type": "Conv3D", "filters": 4, "kernel_size": [1, 3, 3], "strides": [1, 2, 2]},
                {"type": "Conv3DTranspose", "filters": 6, "kernel_size": [2, 3, 3], "strides": [1, 2, 2]},
                {"type": "SpaceToDepth", "block_size": 4},
                {"type": "ConvLSTM2D", "filters": 16, "kernel_size": 3, "padding": "same"},
                {"type": "Conv3D", "filters": 16, "kernel_size": 3, "activation": "sigmoid"},
                {"type": "DepthToSpace", "block_size": 4}]}""".formatted(height, width), "the test");
    }

    @ParameterizedTest
    @CsvSource({"FP32, 1", "FP32, 2", "BF16, 1", "BF16, 2"})
    void trainingTwiceMakesTheSameBits(Precision precision, int threads) {
        Supplier<Backend> backend = () -> new CpuBackend(precision, threads);
        assertSameBits(train(CPU_MODEL, backend, STEPS), train(CPU_MODEL, backend, STEPS));
    }

    @Test
    void trainingGoesOnBitForBitFromSavedParametersAndAverages() {
        Supplier<Backend> backend = () -> new CpuBackend(Precision.FP32, 1);
        assertSameBits(train(CPU_MODEL, backend, STEPS), train(CPU_MODEL, backend, 2));
    }

    /** CUDA graphs and single launches, and a new recording in the middle. */
    @ParameterizedTest
    @EnumSource
    void graphsAndPlainLaunchesMakeTheSameBits(Precision precision) {
        Map<String, HostTensor> recorded = train(CUDA_MODEL, () -> cuda(precision, true), STEPS);
        assertSameBits(recorded, train(CUDA_MODEL, () -> cuda(precision, true), 3));
        assertSameBits(recorded, train(CUDA_MODEL, () -> cuda(precision, false), STEPS));
    }

    private static Backend cuda(Precision precision, boolean graphs) {
        return new CudaBackend(TestDevice.SOFTWARE, precision, Convolutions.KERNELS, graphs);
    }

    private static void assertSameBits(Map<String, HostTensor> expected, Map<String, HostTensor> actual) {
        expected.forEach((name, value) -> assertArrayEquals(bits(value), bits(actual.get(name)), name));
    }

    private static int[] bits(HostTensor tensor) {
        int[] bits = new int[tensor.values().length];
        for (int k = 0; k < bits.length; k++) {
            bits[k] = Float.floatToRawIntBits(tensor.values()[k]);
        }
        return bits;
    }

    /**
     * Trains for {@link #STEPS} steps. After {@code breakAfter} of them everything is closed, and a new backend
     * continues with the parameters and Adam's moving averages.
     */
    private static Map<String, HostTensor> train(ModelConfig model, Supplier<Backend> device, int breakAfter) {
        Map<String, HostTensor> parameters = Parameters.initial(model, 3);
        Map<String, HostTensor> m = null;
        Map<String, HostTensor> v = null;
        Random random = new Random(4);
        for (int step = 0; step < STEPS;) {
            try (Backend backend = device.get();
                    Network network = Network.forTraining(backend, model, Loss.BINARY_CROSSENTROPY, FRAMES, BATCH);
                    Adam adam = new Adam(network);
                    Tensor x = backend.tensor((long) FRAMES * BATCH * model.input().size());
                    Tensor targets = backend.tensor(x.size());
                    LossOp loss = backend.loss(model.computedAs(Loss.BINARY_CROSSENTROPY), x.size());
                    Program program = backend.program(() -> {
                        loss.forward(network.forward(x, FRAMES, BATCH, true), targets, x.size(), true);
                        network.backward(loss.gradient());
                        adam.update();
                    })) {
                network.parameters().set(parameters);
                if (step > 0) {
                    adam.restore(step, m, v);
                }
                int until = step < breakAfter ? breakAfter : STEPS;
                for (; step < until; step++) {
                    x.write(uniform(random, x.size()));
                    targets.write(uniform(random, x.size()));
                    adam.begin(1e-2);
                    program.run();
                }
                parameters = network.parameters().get();
                m = adam.m();
                v = adam.v();
            }
        }
        return parameters;
    }

    private static float[] uniform(Random random, long size) {
        float[] values = new float[Math.toIntExact(size)];
        for (int k = 0; k < values.length; k++) {
            values[k] = random.nextFloat();
        }
        return values;
    }
}
