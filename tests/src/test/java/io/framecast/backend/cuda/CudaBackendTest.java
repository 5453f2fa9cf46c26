package io.framecast.backend.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.framecast.FramecastException;
import io.framecast.Remedy;
import io.framecast.backend.AdamOp;
import io.framecast.backend.Convolutions;
import io.framecast.backend.Loss;
import io.framecast.backend.Precision;
import io.framecast.backend.Program;
import io.framecast.backend.Tensor;
import io.framecast.backend.cuda.driver.CudaException;
import io.framecast.nn.ModelConfig;
import io.framecast.nn.ModelJson;
import io.framecast.nn.Network;
import io.framecast.nn.Parameters;
import io.framecast.softgpu.SoftGpu;
import java.util.List;
import java.util.Random;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import jcuda.driver.CUresult;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.api.condition.DisabledIfSystemProperty;

/** Programs, and the memory reserved for a model, on the software device. */
@DisabledIfSystemProperty(named = "framecast.device", matches = "cuda", disabledReason = "driver calls are counted")
class CudaBackendTest {

    /** The size of each of the two slots for copies. */
    private static final int SLOT_FLOATS = 1 << 20;

    @BeforeEach
    void beAsNew() {
        SoftGpu.configure("checks=all,memory=16g");
        SoftGpu.clearReport();
    }

    @AfterEach
    void nothingIsLeft() {
        String report = SoftGpu.report();
        SoftGpu.clearReport();
        SoftGpu.configure("memory=16g");        // fails while a context exists
        assertEquals("", report);
        assertEquals("", SoftGpu.liveAllocations());
    }

    private static CudaBackend backend(boolean graphs) {
        return backend(Precision.FP32, graphs);
    }

    private static CudaBackend backend(Precision precision, boolean graphs) {
        return new CudaBackend(true, precision, Convolutions.KERNELS, graphs);
    }

    /** Steps of Adam with the gradient 1 and an alpha that the host sets: each moves the parameter by about alpha. */
    private static float[] steps(boolean graphs, long[] calls) {
        try (CudaBackend backend = backend(graphs);
                Tensor p = backend.tensor(1);
                Tensor gradient = backend.tensor(1);
                AdamOp adam = backend.adam(p, gradient, 0, 0, 0);
                Program program = backend.program(() -> {
                    adam.update();
                    adam.update();
                })) {
            gradient.write(new float[] {1});
            float[] seen = new float[calls.length];
            for (int k = 0; k < calls.length; k++) {
                adam.setAlpha(Math.scalb(1, k));
                calls[k] = -SoftGpu.callCount();
                program.run();
                calls[k] += SoftGpu.callCount();
                seen[k] = p.read()[0];
            }
            return seen;
        }
    }

    @Test
    void aProgramIsRecordedAtItsSecondRunAndThenReplayed() {
        long[] calls = new long[4];
        float[] expected = {-2, -6, -14, -30};
        assertArrayEquals(expected, steps(true, calls));
        // Two driver calls per run: make the device current, and launch. A few more belong to the recording.
        assertEquals(4, calls[0]);
        assertTrue(calls[1] > calls[0], calls[1] + " calls to record");
        assertEquals(2, calls[2]);
        assertEquals(2, calls[3]);
        assertArrayEquals(expected, steps(false, calls));
        assertEquals(4, calls[3]);
    }

    @Test
    void whatCannotBeRecordedRunsPlainly() {
        try (CudaBackend backend = backend(true); Tensor x = backend.tensor(1); Tensor y = backend.tensor(1)) {
            float[] next = {0};
            try (Program program = backend.program(() -> {
                next[0]++;
                x.write(next);                  // waits for the last use of the slot, which cannot be captured
                x.copyTo(0, y, 0, 1);
            })) {
                for (int run = 1; run <= 4; run++) {
                    program.run();
                    assertEquals(next[0], y.read()[0], "run " + run);
                }
            }
        }
    }

    private static final ModelConfig MODEL = ModelJson.parse("""
            {"input": {"height": 32, "width": 32, "channels": 1}, "layers": [
              {"type": "ConvLSTM2D", "filters": 16, "kernel_size": 3, "padding": "same"},
              {"type": "BatchNormalization"},
              {"type": "Conv3D", "filters": 1, "kernel_size": 3, "activation": "sigmoid"}]}""", "the test");

    /** Allocates the memory for training the model, and does nothing else. */
    private static void plan(CudaBackend backend, int batch) {
        try (Network network = Network.forTraining(backend, MODEL, Loss.BINARY_CROSSENTROPY, 9, batch)) {
            network.parameters().set(Parameters.initial(MODEL, 1));
        }
    }

    @ParameterizedTest
    @EnumSource
    void aModelTooLargeIsRefusedWholeAndWhatIsSaidToFitDoes(Precision precision) {
        SoftGpu.configure("memory=64m");
        try (CudaBackend backend = backend(precision, true)) {
            CudaException e = assertThrows(CudaException.class, () -> plan(backend, 50));
            assertEquals(CUresult.CUDA_ERROR_OUT_OF_MEMORY, e.result());
            Matcher message = Pattern.compile("The model needs \\d+\\.\\d MiB of device memory for a batch of 50, and "
                    + "(\\d+\\.\\d) MiB of 64\\.0 MiB are free; a batch of (\\d+) would fit\\.")
                    .matcher(e.getMessage());
            assertTrue(message.matches(), e.getMessage());
            assertEquals(List.of(Remedy.SMALLER_BATCH), e.remedies());
            // Only the slots for copies are allocated.
            assertEquals(64 - 2 * SLOT_FLOATS * 4.0 / (1 << 20), Double.parseDouble(message.group(1)), 0.1);
            int fits = Integer.parseInt(message.group(2));
            assertTrue(fits > 1, e.getMessage());
            plan(backend, fits);
            assertThrows(CudaException.class, () -> plan(backend, fits + 1));
        }
        SoftGpu.configure("memory=9m");
        try (CudaBackend backend = backend(precision, true)) {
            String message = assertThrows(CudaException.class, () -> plan(backend, 1)).getMessage();
            assertTrue(message.endsWith(" are free; use shorter videos or a smaller model, or end other programs on "
                    + "the GPU."), message);
        }
    }

    /** Kernels count pixels in 32 bits. */
    @ParameterizedTest
    @EnumSource
    void aBatchBeyondTheKernelsIndicesIsRefused(Precision precision) {
        try (CudaBackend backend = backend(precision, true)) {
            FramecastException e = assertThrows(FramecastException.class, () -> plan(backend, 1 << 20));
            assertEquals("A batch of 1048576 videos of 9 frames has too many values for the CUDA kernels; use a "
                    + "smaller batch.", e.getMessage());
            assertEquals(List.of(Remedy.SMALLER_BATCH), e.remedies());
        }
    }

    @Test
    void aModelIsOneAllocationAndGoneWhenClosed() {
        try (CudaBackend backend = backend(true)) {
            long before = SoftGpu.liveAllocations().lines().count();
            for (int k = 0; k < 3; k++) {
                try (Network network = Network.forTraining(backend, MODEL, Loss.BINARY_CROSSENTROPY, 2, 1)) {
                    assertEquals(before, SoftGpu.liveAllocations().lines().count(), "nothing before it is used");
                    network.parameters().set(Parameters.initial(MODEL, 1));
                    assertEquals(before + 1, SoftGpu.liveAllocations().lines().count());
                }
                assertEquals(before, SoftGpu.liveAllocations().lines().count());
            }
            assertTrue(backend.peakBytes() > 0);
        }
    }

    @Test
    void tensorsAreZeroAndKeepWhatIsWrittenBesideOthers() {
        try (CudaBackend backend = backend(true); Tensor a = backend.tensor(5)) {
            Tensor b = backend.tensor(70);
            assertArrayEquals(new float[5], a.read());
            float[] values = new float[70];
            for (int k = 0; k < values.length; k++) {
                values[k] = new Random(k).nextFloat();
            }
            b.write(values);
            try (Tensor later = backend.tensor(3)) {
                a.slice(1, 3).copyTo(0, later, 0, 3);
                later.write(1, new float[] {8, 9}, 0, 2);
                assertArrayEquals(new float[] {0, 8, 9}, later.read());
            }
            b.close();
            assertThrows(IllegalStateException.class, b::read);
            assertArrayEquals(new float[5], a.read());
        }
    }

    /** Copies larger than a slot of pinned memory, in both directions. */
    @Test
    void longTensorsGoThroughBothSlots() {
        int size = 2 * SLOT_FLOATS + 5;
        float[] values = new float[size];
        for (int k = 0; k < size; k++) {
            values[k] = k;
        }
        try (CudaBackend backend = backend(true); Tensor x = backend.tensor(size)) {
            x.write(values);
            assertArrayEquals(values, x.read());
        }
    }
}
