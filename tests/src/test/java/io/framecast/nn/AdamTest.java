package io.framecast.nn;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.framecast.backend.Loss;
import io.framecast.backend.TestBackend;
import io.framecast.backend.TestDevice;
import io.framecast.golden.Golden;
import java.util.Arrays;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/** Adam against Keras's formula in float64. */
@ParameterizedClass(name = "{0}")
@EnumSource(TestDevice.class)
class AdamTest {

    @Parameter
    TestDevice device;

    private static final String KERNEL = "layers.0.kernel";
    private static final String BIAS = "layers.0.bias";

    /** The kernel of a 1x1x1 convolution holds the parameters; their gradients are written where backward would. */
    @Test
    void sixStepsAgreeForGradientsFromFarUnderEpsilonToLarge() {
        Golden golden = Golden.load("adam");
        float[] start = golden.values("start");
        float[] gradients = golden.values("gradients");
        int steps = golden.shape("gradients")[0];
        int count = golden.shape("gradients")[1];
        ModelConfig model = ModelJson.parse("""
                {"input": {"height": 1, "width": 1, "channels": %d},
                 "layers": [{"type": "Conv3D", "filters": 1, "kernel_size": 1}]}""".formatted(count), "the test");
        try (TestBackend backend = TestBackend.fp32(device)) {
            Network network = backend.own(Network.forTraining(backend.get(), model, Loss.MEAN_SQUARED_ERROR, 1, 1));
            Parameters parameters = network.parameters();
            parameters.set(named(start));
            Adam adam = backend.own(new Adam(network));
            float[] largest = new float[count];
            for (int step = 1; step <= steps; step++) {
                int from = (step - 1) * count;
                float[] g = Arrays.copyOfRange(gradients, from, from + count);
                parameters.join(named(g), parameters.gradients(), 0);
                adam.begin(1e-3);
                adam.update();
                float[] p = parameters.get().get(KERNEL).values();
                float[] m = adam.m().get(KERNEL).values();
                float[] v = adam.v().get(KERNEL).values();
                // m and v: a few roundings of 2^-24 a step, of terms no larger than the largest gradient so far.
                double roundings = Math.scalb(4.0 * step, -24);
                for (int k = 0; k < count; k++) {
                    largest[k] = Math.max(largest[k], Math.abs(g[k]));
                    check("m", step, k, golden.values("m")[from + k], m[k], roundings * largest[k]);
                    check("v", step, k, golden.values("v")[from + k], v[k], roundings * largest[k] * largest[k]);
                    // p: its own rounding at each step, the reference's once, and updates of up to about the learning
                    // rate, whose relative errors are those of m and v and a few more roundings: a factor of ten is
                    // sufficient.
                    double bound = Math.scalb((step + 1) * (Math.abs(start[k]) + 1e-3 * step), -24)
                            + 1e-3 * step * 10 * roundings;
                    check("p", step, k, golden.values("p")[from + k], p[k], bound);
                }
            }
            assertEquals(steps, adam.step());
        }
    }

    private static Map<String, HostTensor> named(float[] kernel) {
        return Map.of(KERNEL, new HostTensor(new int[] {kernel.length}, kernel),
                BIAS, new HostTensor(new int[] {1}, new float[1]));
    }

    private static void check(String what, int step, int k, double expected, double actual, double bound) {
        assertEquals(expected, actual, bound, () -> what + "[" + k + "] after step " + step);
    }
}
