package io.framecast.backend.cuda.layer;

import static io.framecast.backend.cuda.launch.KernelDevice.read;
import static io.framecast.golden.Closeness.assertClose;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.framecast.backend.Activation;
import io.framecast.backend.cuda.driver.CudaKernel.Dim;
import io.framecast.backend.cuda.driver.DeviceMemory;
import io.framecast.backend.cuda.launch.Activations;
import io.framecast.backend.cuda.launch.KernelCounters;
import io.framecast.backend.cuda.launch.KernelDevice;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** The gates of a frame against their definition in float64, and their gradient against its central differences. */
class GateKernelsTest {

    /** Relative to the largest value: up to four factors, each an activation within 2^-21, and sums of two. */
    private static final double FORWARD = Math.scalb(1, -18);

    /** One or two more factors; 1 - a^2 doubles the error of a. */
    private static final double BACKWARD = Math.scalb(1, -16);

    @RegisterExtension
    final KernelDevice device = new KernelDevice();

    private final Random random = new Random(1);

    static Stream<Arguments> activations() {
        return Stream.of(Activation.values()).flatMap(activation -> Stream.of(Activation.values())
                .map(recurrent -> Arguments.of(activation, recurrent)));
    }

    /** One unit of one frame: from z of its four gates and the previous c to {c, h}. */
    private static double[] unit(double[] z, double before, Activation activation, Activation recurrent) {
        double i = Activations.activate(recurrent, z[0]);
        double f = Activations.activate(recurrent, z[1]);
        double g = Activations.activate(activation, z[2]);
        double o = Activations.activate(recurrent, z[3]);
        double c = f * before + i * g;
        return new double[] {c, o * Activations.activate(activation, c)};
    }

    private float[] normals(int n) {
        float[] values = new float[n];
        for (int i = 0; i < n; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return values;
    }

    private static double[] unitOf(float[] z, int u) {
        return new double[] {z[4 * u], z[4 * u + 1], z[4 * u + 2], z[4 * u + 3]};
    }

    @ParameterizedTest
    @MethodSource("activations")
    void forwardAndBackwardAgree(Activation activation, Activation recurrent) {
        for (int n : new int[] {1, 300}) {
            for (boolean first : new boolean[] {false, true}) {
                frame(n, activation, recurrent, first, n == 1);
            }
        }
    }

    private void frame(int n, Activation activation, Activation recurrent, boolean first, boolean last) {
        float[] z = normals(4 * n);
        float[] before = first ? new float[n] : normals(n);
        float[] dh = normals(n);
        float[] dcAfter = last ? new float[n] : normals(n);
        float[] c = new float[n];
        float[] h = new float[n];
        float[] dz = new float[4 * n];
        float[] dcBefore = new float[n];
        double step = 1e-6;
        for (int u = 0; u < n; u++) {
            double[] unit = unit(unitOf(z, u), before[u], activation, recurrent);
            c[u] = (float) unit[0];
            h[u] = (float) unit[1];
            for (int k = 0; k < 5; k++) {
                double[] change = new double[2];
                for (int sign = -1; sign <= 1; sign += 2) {
                    double[] moved = unitOf(z, u);
                    if (k < 4) {
                        moved[k] += sign * step;
                    }
                    double[] result = unit(moved, before[u] + (k == 4 ? sign * step : 0), activation, recurrent);
                    change[0] += sign * result[0];
                    change[1] += sign * result[1];
                }
                float slope = (float) ((dcAfter[u] * change[0] + dh[u] * change[1]) / (2 * step));
                if (k == 4) {
                    dcBefore[u] = slope;
                } else {
                    dz[4 * u + k] = slope;
                }
            }
        }

        String what = activation + ", " + recurrent + (first ? ", first frame" : "");
        Dim grid = Dim.of((n + 255) / 256);
        DeviceMemory gates = device.memory(z);
        DeviceMemory cBefore = first ? null : device.memory(before);
        DeviceMemory cell = device.unwritten(n);
        DeviceMemory hidden = device.unwritten(n);
        device.kernel("gates.cu", "gatesForward").launch(grid, Dim.of(256), 0, gates, cBefore, gates, cell, hidden,
                (long) n, activation.ordinal(), recurrent.ordinal());
        assertClose(what + ": c", c, read(cell), FORWARD);
        assertClose(what + ": h", h, read(hidden), FORWARD);

        DeviceMemory gradient = device.memory(dh);
        DeviceMemory carried = last ? null : device.memory(dcAfter);
        DeviceMemory carriedOn = first ? null : last ? device.unwritten(n) : carried;
        device.kernel("gates.cu", "gatesBackward").launch(grid, Dim.of(256), 0, gates, cBefore, cell, gradient, carried,
                gates, carriedOn, (long) n, activation.ordinal(), recurrent.ordinal());
        assertClose(what + ": dz", dz, read(gates), BACKWARD);
        if (!first) {
            assertClose(what + ": dc", dcBefore, read(carriedOn), BACKWARD);
        }
    }

    /** Rollout stores no gates, and does not change z. */
    @Test
    void forwardNeedNotKeepTheGates() {
        float[] z = normals(4 * 5);
        DeviceMemory input = device.memory(z);
        DeviceMemory cell = device.memory(normals(5));
        DeviceMemory hidden = device.unwritten(5);
        float[] before = read(cell);
        device.kernel("gates.cu", "gatesForward").launch(Dim.of(1), Dim.of(256), 0, input, cell, null, cell, hidden, 5L,
                Activation.TANH.ordinal(), Activation.SIGMOID.ordinal());
        float[] h = read(hidden);
        for (int u = 0; u < 5; u++) {
            double expected = unit(unitOf(z, u), before[u], Activation.TANH, Activation.SIGMOID)[1];
            assertEquals(expected, h[u], FORWARD);
        }
        assertClose("z", z, read(input), 0);
    }

    /** The launch moves only the necessary bytes: 44 per unit forward, 52 backward, in full sectors. */
    @Test
    void movesNoByteTwice() {
        int n = 1024;
        DeviceMemory gates = device.memory(normals(4 * n));
        DeviceMemory before = device.memory(normals(n));
        DeviceMemory cell = device.unwritten(n);
        DeviceMemory hidden = device.unwritten(n);
        int tanh = Activation.TANH.ordinal();
        device.kernel("gates.cu", "gatesForward").launch(Dim.of(4), Dim.of(256), 0, gates, before, gates, cell, hidden,
                (long) n, tanh, tanh);
        device.kernel("gates.cu", "gatesBackward").launch(Dim.of(4), Dim.of(256), 0, gates, before, cell, hidden,
                before, gates, hidden, (long) n, tanh, tanh);
        assertEquals(44 * n / 32, KernelCounters.of(device, "gatesForward").sectors());
        assertEquals(52 * n / 32, KernelCounters.of(device, "gatesBackward").sectors());
    }
}
