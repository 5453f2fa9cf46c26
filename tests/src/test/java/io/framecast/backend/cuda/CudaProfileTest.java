package io.framecast.backend.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.framecast.backend.Activation;
import io.framecast.backend.Ceilings;
import io.framecast.backend.Conv3dSpec;
import io.framecast.backend.Convolutions;
import io.framecast.backend.FetchListener;
import io.framecast.backend.Op;
import io.framecast.backend.OpCost;
import io.framecast.backend.Plan;
import io.framecast.backend.Precision;
import io.framecast.backend.Program;
import io.framecast.backend.Tensor;
import io.framecast.backend.TestBackend;
import io.framecast.backend.TestDevice;
import io.framecast.backend.cuda.compiler.KernelImages;
import io.framecast.backend.cuda.convolution.KernelConvolutions;
import io.framecast.backend.cuda.driver.CudaDevice;
import io.framecast.backend.cuda.launch.CudaOps;
import io.framecast.backend.cuda.tensorcore.Operand;
import io.framecast.backend.cuda.tensorcore.TensorCoreConvolutions;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The times of kernels, by events, and what a device does at its best. */
class CudaProfileTest {

    private static List<String> kernels(TestBackend backend) {
        List<OpCost> costs = backend.get().takeProfile();
        costs.forEach(cost -> assertTrue(cost.seconds() > 0, cost::toString));
        return costs.stream().map(OpCost::op).toList();
    }

    @Test
    void eachKernelIsNamedWhileTheProfileIsOn() {
        try (TestBackend backend = TestBackend.cuda(Convolutions.KERNELS, true)) {
            Op op = backend.own(backend.get().conv3d(new Conv3dSpec(4, 4, 2, 3, 3, 3, 3, Activation.TANH),
                    new Plan(2, 1, false, false), backend.weights(new float[3 * 3 * 3 * 2 * 3]),
                    backend.weights(new float[3])));
            Tensor x = backend.tensor(new float[2 * 4 * 4 * 2]);
            op.forward(x, 2, 1, false);
            assertEquals(List.of(), kernels(backend));
            backend.get().setProfiling(true);
            op.forward(x, 2, 1, false);
            op.forward(x, 2, 1, false);
            List<String> once = kernels(backend);
            assertTrue(once.contains("convolutionForward") && once.contains("combineTaps"), once.toString());
            assertEquals(once.stream().distinct().toList(), once);
            assertEquals(List.of(), kernels(backend));
            // A program's first run launches, the second is captured and replayed: graphs are not timed.
            Program program = backend.own(backend.get().program(() -> op.forward(x, 2, 1, false)));
            program.run();
            assertEquals(once, kernels(backend));
            program.run();
            program.run();
            assertEquals(List.of(), kernels(backend));
            backend.get().setProfiling(false);
            op.forward(x, 2, 1, false);
            assertEquals(List.of(), kernels(backend));
            backend.get().setProfiling(true); // Closing the backend releases the events.
            op.forward(x, 2, 1, false);
        }
    }

    @ParameterizedTest
    @EnumSource(Precision.class)
    void ceilingsAreTheRatesOfAProductAndOfACopy(Precision precision) {
        try (CudaDevice device = CudaDevice.open(TestDevice.SOFTWARE)) {
            CudaOps ops = new CudaOps(device, new KernelImages(System.getenv(), FetchListener.NONE));
            Ceilings ceilings = CudaCeilings.measure(ops, precision == Precision.FP32 ? new KernelConvolutions(ops)
                    : new TensorCoreConvolutions(ops, Operand.of(precision)), precision, 128);
            assertTrue(ceilings.matmul() > 0 && Double.isFinite(ceilings.matmul()), ceilings::toString);
            assertTrue(ceilings.copy() > 0 && Double.isFinite(ceilings.copy()), ceilings::toString);
            assertEquals(precision == Precision.FP32, ceilings.matmulFp32() == ceilings.matmul());
            assertEquals(precision == Precision.BF16, ceilings.matmulBf16() == ceilings.matmul());
        }
    }

    @Test
    void theSoftwareDeviceHasNoCeilings() {
        if (TestDevice.SOFTWARE) {
            try (TestBackend backend = TestBackend.cuda(Convolutions.KERNELS, true)) {
                assertEquals(Ceilings.UNKNOWN, backend.get().measureCeilings());
            }
        }
    }
}
