package io.framecast.backend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.framecast.FramecastException;
import io.framecast.Remedy;
import io.framecast.backend.cpu.CpuBackend;
import io.framecast.nn.ModelJson;
import io.framecast.nn.Network;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

/** Native memory is counted and freed; a request that is too large is refused with a message. */
class CpuMemoryTest {

    private static final String SENTENCE = "The CPU backend failed: out of memory: \\S+ GB are needed and \\S+ GB are "
            + "available; choose a smaller batch, shorter videos or a smaller model\\.";

    @Test
    void bytesInUseFollowWhatIsMadeAndClosed() {
        try (CpuBackend backend = new CpuBackend(Precision.FP32, 1)) {
            Tensor tensor = backend.tensor(1000);
            assertEquals(4000, backend.bytesInUse());
            Tensor other = backend.tensor(500);
            assertEquals(6000, backend.bytesInUse());
            tensor.slice(10, 20).close();
            assertEquals(6000, backend.bytesInUse());
            tensor.close();
            assertEquals(2000, backend.bytesInUse());
            other.close();
            assertEquals(0, backend.bytesInUse());
            assertEquals(6000, backend.peakBytes());
        }
    }

    @Test
    void aClosedBackendCountsNothing() {
        CpuBackend backend = new CpuBackend(Precision.FP32, 1);
        backend.close();
        for (Executable call : List.<Executable>of(backend::bytesInUse, backend::peakBytes, backend::threads,
                backend::description, backend::takeProfile, backend::measureCeilings)) {
            assertEquals("The backend is closed.", assertThrows(IllegalStateException.class, call).getMessage());
        }
    }

    @Test
    void anAbsurdTensorIsRefusedInASentence() {
        assertRefused(1L << 45);
        assertRefused(1L << 48);
    }

    private static void assertRefused(long size) {
        try (CpuBackend backend = new CpuBackend(Precision.FP32, 1)) {
            refuses(backend, () -> backend.tensor(size));
        }
    }

    @Test
    void anAbsurdNetworkIsRefusedInASentenceAndLeavesNothingBehind() {
        String model = """
                {"input": {"height": 64, "width": 64, "channels": 1}, "layers": [
                    {"type": "ConvLSTM2D", "filters": 2, "kernel_size": 3, "padding": "same"},
                    {"type": "BatchNormalization"},
                    {"type": "Conv3D", "filters": %s, "kernel_size": 3}, {"type": "BatchNormalization"}]}""";
        try (CpuBackend backend = new CpuBackend(Precision.FP32, 1)) {
            // The last layers are too large for any machine: 16384 filters of 64x64 for 10,000 frames of 8 videos.
            refuses(backend, () -> Network.forInference(backend, ModelJson.parse(model.formatted(16384), "it"), 10000,
                    8));
            // A single layer for very many videos.
            refuses(backend, () -> Network.forTraining(backend, ModelJson.parse(model.formatted(2), "it"),
                    Loss.MEAN_SQUARED_ERROR, 20000, 100000));
        }
    }

    private static void refuses(CpuBackend backend, Executable executable) {
        FramecastException refusal = assertThrows(FramecastException.class, executable);
        assertTrue(refusal.getMessage().matches(SENTENCE), refusal.getMessage());
        assertEquals(List.of(Remedy.SMALLER_BATCH), refusal.remedies());
        assertEquals(0, backend.bytesInUse());
    }
}
