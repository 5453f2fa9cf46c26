package io.framecast.tools.check.golden;

import io.framecast.backend.Loss;
import io.framecast.nn.Adam;
import io.framecast.nn.HostTensor;
import io.framecast.nn.ModelConfig;
import io.framecast.nn.ModelJson;
import io.framecast.nn.Network;
import io.framecast.nn.Parameters;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/** The golden steps of Adam, for gradients from far under epsilon to large. */
public final class GoldenAdam {

    private static final String KERNEL = "layers.0.kernel";
    private static final String BIAS = "layers.0.bias";

    private GoldenAdam() {
    }

    /**
     * For each step the worst of p, m and v, as a share of the bound of each value. The kernel of a 1x1x1 convolution
     * holds the parameters; their gradients are written where backward would.
     */
    public static List<Difference> compare(OpScope scope) {
        Golden golden = Golden.load("adam");
        float[] start = golden.values("start");
        float[] gradients = golden.values("gradients");
        int steps = golden.shape("gradients")[0];
        int count = golden.shape("gradients")[1];
        ModelConfig model = ModelJson.parse("""
                {"input": {"height": 1, "width": 1, "channels": %d},
                 "layers": [{"type": "Conv3D", "filters": 1, "kernel_size": 1}]}""".formatted(count), "Adam's case");
        Network network = scope.own(Network.forTraining(scope.get(), model, Loss.MEAN_SQUARED_ERROR, 1, 1));
        Parameters parameters = network.parameters();
        parameters.set(named(start));
        Adam adam = scope.own(new Adam(network));
        List<Difference> differences = new ArrayList<>();
        float[] largest = new float[count];
        for (int step = 1; step <= steps; step++) {
            int from = (step - 1) * count;
            float[] g = Arrays.copyOfRange(gradients, from, from + count);
            parameters.join(named(g), parameters.gradients(), 0);
            adam.begin(1e-3);
            adam.update();
            // m and v: a few roundings of 2^-24 a step, of terms no larger than the largest gradient so far.
            double roundings = Math.scalb(4.0 * step, -24);
            double[] ofM = new double[count];
            double[] ofV = new double[count];
            double[] ofP = new double[count];
            for (int k = 0; k < count; k++) {
                largest[k] = Math.max(largest[k], Math.abs(g[k]));
                ofM[k] = roundings * largest[k];
                ofV[k] = roundings * largest[k] * largest[k];
                // p: its own rounding at each step, the reference's once, and updates of up to about the learning
                // rate, whose relative errors are those of m and v and a few more roundings: a factor of ten is
                // sufficient.
                ofP[k] = Math.scalb((step + 1) * (Math.abs(start[k]) + 1e-3 * step), -24)
                        + 1e-3 * step * 10 * roundings;
            }
            differences.add(worst("m after step " + step, golden.values("m"), from, adam.m().get(KERNEL), ofM));
            differences.add(worst("v after step " + step, golden.values("v"), from, adam.v().get(KERNEL), ofV));
            differences.add(worst("p after step " + step, golden.values("p"), from, parameters.get().get(KERNEL), ofP));
        }
        differences.add(Difference.of("steps", steps, adam.step(), 0));
        return differences;
    }

    /** The value that takes the largest share of its bound. */
    private static Difference worst(String what, float[] expected, int from, HostTensor actual, double[] bounds) {
        Difference worst = null;
        for (int k = 0; k < bounds.length; k++) {
            Difference one = Difference.of(what + ", value " + k, expected[from + k], actual.values()[k], bounds[k]);
            worst = worst == null || one.share() > worst.share() ? one : worst;
        }
        return worst;
    }

    private static Map<String, HostTensor> named(float[] kernel) {
        return Map.of(KERNEL, new HostTensor(new int[] {kernel.length}, kernel),
                BIAS, new HostTensor(new int[] {1}, new float[1]));
    }
}
