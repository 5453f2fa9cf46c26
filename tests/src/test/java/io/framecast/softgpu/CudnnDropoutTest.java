package io.framecast.softgpu;

import static io.framecast.softgpu.Cudnn.ok;
import static jcuda.jcudnn.JCudnn.cudnnCreateDropoutDescriptor;
import static jcuda.jcudnn.JCudnn.cudnnDestroyDropoutDescriptor;
import static jcuda.jcudnn.JCudnn.cudnnDropoutBackward;
import static jcuda.jcudnn.JCudnn.cudnnDropoutForward;
import static jcuda.jcudnn.JCudnn.cudnnDropoutGetReserveSpaceSize;
import static jcuda.jcudnn.JCudnn.cudnnDropoutGetStatesSize;
import static jcuda.jcudnn.JCudnn.cudnnRestoreDropoutDescriptor;
import static jcuda.jcudnn.JCudnn.cudnnSetDropoutDescriptor;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.Random;
import jcuda.jcudnn.cudnnDropoutDescriptor;
import jcuda.jcudnn.cudnnTensorDescriptor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Dropout: what is kept is scaled, backwards too; the choice is random, and repeats with the states. */
class CudnnDropoutTest {

    private static final int[] DIMS = {4, 5, 10, 20};
    private static final int COUNT = 4000;
    private static final double PART = 0.25;

    @RegisterExtension
    final SoftDevice device = new SoftDevice();

    private final cudnnDropoutDescriptor dropout = new cudnnDropoutDescriptor();
    private final double[] x = new Random(9).doubles(COUNT, 1, 2).toArray();
    private Cudnn cudnn;
    private Buffer states;
    private Buffer reserve;

    @BeforeEach
    void create() {
        cudnn = new Cudnn();
        ok(cudnnCreateDropoutDescriptor(dropout));
        long[] bytes = new long[1];
        ok(cudnnDropoutGetStatesSize(cudnn.handle, bytes));
        states = device.allocate(bytes[0]);
        ok(cudnnDropoutGetReserveSpaceSize(cudnn.tensor(Element.DOUBLE, DIMS), bytes));
        reserve = device.allocate(bytes[0]);
    }

    @AfterEach
    void destroy() {
        ok(cudnnDestroyDropoutDescriptor(dropout));
        cudnn.close();
    }

    private void seed(double part, long seed) {
        ok(cudnnSetDropoutDescriptor(dropout, cudnn.handle, (float) part, states.pointer(), states.size(), seed));
    }

    private double[] forward() {
        Layout gaps = Layout.withGaps(DIMS);
        Buffer y = device.buffer(new double[COUNT]);
        ok(cudnnDropoutForward(cudnn.handle, dropout, cudnn.tensor(Element.DOUBLE, gaps),
                device.buffer(gaps.place(x, Double.NaN)).pointer(), cudnn.tensor(Element.DOUBLE, DIMS), y.pointer(),
                reserve.pointer(), reserve.size()));
        return y.doubles();
    }

    @Test
    void scalesWhatItKeepsAndItsGradient() {
        seed(PART, 5);
        double[] y = forward();
        int dropped = 0, pairs = 0;
        for (int i = 0; i < COUNT; i++) {
            if (y[i] == 0) {
                dropped++;
                pairs += i > 0 && y[i - 1] == 0 ? 1 : 0;
            } else {
                assertEquals(x[i] * (1 / (1 - PART)), y[i]);
            }
        }
        // Within five standard deviations: of each alone, and of neighbours, which have nothing to do with each other.
        assertTrue(Math.abs(dropped - PART * COUNT) < 5 * Math.sqrt(COUNT * PART * (1 - PART)), dropped + " dropped");
        assertTrue(Math.abs(pairs - PART * PART * COUNT) < 5 * Math.sqrt(COUNT * PART * PART), pairs + " neighbours");
        Buffer gradient = device.buffer(x);
        cudnnTensorDescriptor tensor = cudnn.tensor(Element.DOUBLE, DIMS);
        ok(cudnnDropoutBackward(cudnn.handle, dropout, tensor, gradient.pointer(), tensor, gradient.pointer(),
                reserve.pointer(), reserve.size()));
        assertArrayEquals(y, gradient.doubles());
    }

    @Test
    void theChoiceRepeatsWithTheStates() {
        seed(PART, 5);
        double[] first = forward(), second = forward();
        assertFalse(Arrays.equals(first, second));
        seed(PART, 6);
        assertFalse(Arrays.equals(first, forward()));
        seed(PART, 5);
        assertArrayEquals(first, forward());
        // Restoring leaves the states as they are.
        ok(cudnnRestoreDropoutDescriptor(dropout, cudnn.handle, (float) PART, states.pointer(), states.size(), 5));
        assertArrayEquals(second, forward());
    }

    @Test
    void dropsNothingOrAll() {
        seed(0, 1);
        assertArrayEquals(x, forward());
        seed(1, 1);
        assertArrayEquals(new double[COUNT], forward());
    }

    @Test
    void refusesWhatDoesNotFit() {
        cudnnTensorDescriptor tensor = cudnn.tensor(Element.DOUBLE, DIMS);
        Buffer y = device.buffer(x);
        assertEquals(Cudnn.BAD_PARAM, cudnnDropoutForward(cudnn.handle, dropout, tensor, y.pointer(), tensor,
                y.pointer(), reserve.pointer(), reserve.size()) / 1000, "the descriptor was not set");
        assertEquals(Cudnn.BAD_PARAM, cudnnSetDropoutDescriptor(dropout, cudnn.handle, 1.5f, states.pointer(),
                states.size(), 0) / 1000);
        assertEquals(Cudnn.BAD_PARAM, cudnnSetDropoutDescriptor(dropout, cudnn.handle, 0.5f, states.pointer(),
                states.size() - 1, 0) / 1000);
        seed(PART, 5);
        assertEquals(Cudnn.BAD_PARAM, cudnnDropoutForward(cudnn.handle, dropout, tensor, y.pointer(), tensor,
                y.pointer(), reserve.pointer(), reserve.size() - 1) / 1000);
        SoftGpu.clearReport();
    }
}
