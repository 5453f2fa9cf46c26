package io.framecast.backend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.framecast.backend.cpu.CpuBackend;
import io.framecast.cpu.NativeCpu;
import org.junit.jupiter.api.Test;

/** Enumerations are passed to the native CPU code by the names of their constants: it must know all of them. */
class CpuEnumsTest {

    @Test
    void everyActivation() {
        try (TestBackend backend = TestBackend.fp32()) {
            for (Activation activation : Activation.values()) {
                backend.own(backend.get().conv3d(new Conv3dSpec(1, 1, 1, 1, 1, 1, 1, activation),
                        new Plan(1, 1, false, false), backend.weights(1), backend.weights(1)));
                ConvLstmSpec spec = new ConvLstmSpec(1, 1, 1, 1, 1, 1, 1, 1, 1, 1, true, activation, activation);
                Weights kernel = backend.weights(new float[4]);
                backend.own(backend.get().convLstm(spec, new Plan(1, 1, false, false), kernel, kernel, kernel));
            }
        }
    }

    @Test
    void everyFunction() {
        try (TestBackend backend = TestBackend.fp32()) {
            for (Elementwise function : Elementwise.values()) {
                backend.own(backend.get().elementwise(new ElementwiseSpec(1, 1, 1, function, 0, 0),
                        new Plan(1, 1, false, false))).forward(backend.tensor(1), 1, 1, false);
            }
        }
    }

    @Test
    void everyLoss() {
        try (TestBackend backend = TestBackend.fp32()) {
            for (Loss loss : Loss.values()) {
                backend.own(backend.get().loss(loss, 1)).forward(backend.tensor(1), backend.tensor(1), 1, false);
            }
        }
    }

    @Test
    void everyWayToStoreOperands() {
        for (CpuBackend.Operands operands : CpuBackend.Operands.values()) {
            new CpuBackend(Precision.BF16, 1, operands).close();
        }
    }

    @Test
    void anotherNameIsAnError() {
        NativeCpu.load();
        assertEquals("there is no way to store operands F16",
                assertThrows(RuntimeException.class, () -> new NativeCpu.Device(1, "F16")).getMessage());
    }
}
