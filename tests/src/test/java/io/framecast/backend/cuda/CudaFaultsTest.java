package io.framecast.backend.cuda;

import static jcuda.driver.JCudaDriver.cuDevicePrimaryCtxRelease;
import static jcuda.driver.JCudaDriver.cuDevicePrimaryCtxReset;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.framecast.FramecastException;
import io.framecast.backend.Backend;
import io.framecast.backend.Convolutions;
import io.framecast.backend.Precision;
import io.framecast.backend.cuda.driver.CudaDriver;
import io.framecast.data.Videos;
import io.framecast.nn.ModelConfig;
import io.framecast.nn.ModelJson;
import io.framecast.nn.Parameters;
import io.framecast.softgpu.SoftGpu;
import io.framecast.train.Checkpoint;
import io.framecast.train.EpochMetrics;
import io.framecast.train.MovingSquares;
import io.framecast.train.RunDirectory;
import io.framecast.train.StepMetrics;
import io.framecast.train.Trainer;
import io.framecast.train.TrainingListener;
import io.framecast.train.TrainingSettings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import jcuda.driver.CUdevice;
import jcuda.driver.CUresult;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledIfSystemProperty;
import org.junit.jupiter.api.extension.AnnotatedElementContext;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.io.TempDirFactory;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Fails each driver call of a short training run with every kind of layer, one call per run. The run must end with one
 * sentence, the old checkpoint must be intact, nothing may stay allocated on the device, and the next run must work.
 */
@DisabledIfSystemProperty(named = "framecast.device", matches = "cuda", disabledReason = "faults are injected")
class CudaFaultsTest {

    private static final ModelConfig MODEL = ModelJson.parse("""
            {"input": {"height": 2, "width": 2, "channels": 1}, "layers": [
              {"type": "ConvLSTM2D", "filters": 1, "kernel_size": 1, "padding": "same"},
              {"type": "BatchNormalization"},
              {"type": "Conv3D", "filters": 1, "kernel_size": [2, 1, 1], "activation": "sigmoid"}]}""", "the test");

    private static final Videos VIDEOS = new MovingSquares(1, 3, 2, 2, 1);
    private static final TrainingListener NOBODY = new TrainingListener() {
        @Override
        public void epochStarted(int epoch, int batchesDone, int batches) {
        }

        @Override
        public void stepDone(StepMetrics step) {
        }

        @Override
        public void epochDone(EpochMetrics epoch) {
        }
    };

    /** Where there is one, in a directory in memory: most of a run's time would go into waiting for the disk. */
    static final class InMemory implements TempDirFactory {

        private static final Path MEMORY = Path.of("/dev/shm");

        @Override
        public Path createTempDirectory(AnnotatedElementContext element, ExtensionContext context) throws IOException {
            return Files.isWritable(MEMORY) ? Files.createTempDirectory(MEMORY, "junit")
                    : Files.createTempDirectory("junit");
        }
    }

    @TempDir(factory = InMemory.class)
    Path directory;

    @BeforeEach
    void beAsNew() {
        SoftGpu.configure("checks=all,counters=off,compute=80,memory=16g,driver=13010");
        SoftGpu.clearReport();
    }

    @AfterEach
    void nothingIsLeft() {
        SoftGpu.inject(null);
        String report = SoftGpu.report();
        String live = SoftGpu.liveAllocations();
        SoftGpu.clearReport();
        if (!live.isEmpty()) {
            forgetContext();
        }
        SoftGpu.configure("checks=all,counters=on,memory=16g,driver=13010");    // fails while a context exists
        assertEquals("", report);
        assertEquals("", live);
    }

    /** Memory that could not be freed on a lost device is freed with its context. */
    private static void forgetContext() {
        CUdevice device = new CUdevice();
        cuDevicePrimaryCtxReset(device);
        cuDevicePrimaryCtxRelease(device);
    }

    /** Three steps: the first launches kernels, the second is captured, the third is replayed. */
    private void train(Convolutions convolutions) {
        Path last = RunDirectory.lastCheckpoint(directory);
        Checkpoint start = Checkpoint.read(last);
        TrainingSettings settings = TrainingSettings.builder().epochs(1000)
                .steps(start.training().progress().step() + 3).batchSize(1).shuffle(false).build();
        try (Backend backend = new CudaBackend(true, Precision.FP32, convolutions, true);
                RunDirectory run = RunDirectory.resume(directory, note -> { });
                Trainer trainer = new Trainer(backend, start, VIDEOS, VIDEOS.slice(0, 0), settings, run, NOBODY)) {
            trainer.run();
        }
    }

    private void begin() throws IOException {
        Checkpoint start = new Checkpoint(MODEL, Parameters.initial(MODEL, 3), null);
        TrainingSettings settings = TrainingSettings.builder().epochs(1000).steps(1).batchSize(1).shuffle(false)
                .build();
        try (Backend backend = new CudaBackend(true, Precision.FP32, Convolutions.KERNELS, true);
                RunDirectory run = RunDirectory.create(directory, false, note -> { });
                Trainer trainer = new Trainer(backend, start, VIDEOS, VIDEOS.slice(0, 0), settings, run, NOBODY)) {
            trainer.run();
        }
    }

    /** Whether the run failed as it must: with one sentence about the call, and the checkpoint intact. */
    private boolean fails(Convolutions convolutions, String what, int result) {
        long before = Checkpoint.read(RunDirectory.lastCheckpoint(directory)).training().progress().step();
        boolean failed = false;
        try {
            train(convolutions);
        } catch (FramecastException e) {
            String message = e.getMessage();
            // cuDNN and cuBLAS translate the driver's error codes to their own.
            assertTrue(message.contains(CUresult.stringFor(result)) || message.contains("device memory")
                    || convolutions == Convolutions.VENDOR && message.matches(".* failed with CU(BLAS|DNN)_STATUS_.*"),
                    what + ": " + message);
            assertTrue(message.endsWith(".") && message.lines().count() == 1, what + ": " + message);
            assertFalse(message.contains("null"), what + ": " + message);
            failed = true;
        }
        SoftGpu.inject(null);
        long after = Checkpoint.read(RunDirectory.lastCheckpoint(directory)).training().progress().step();
        assertTrue(failed ? after >= before : after == before + 3, what);
        return failed;
    }

    @ParameterizedTest
    @EnumSource(Convolutions.class)
    void aDeviceLostAtAnyCallEndsTheRunAndLosesNothing(Convolutions convolutions) throws IOException {
        begin();
        train(convolutions);
        long calls = -SoftGpu.callCount();
        train(convolutions);
        calls += SoftGpu.callCount();
        SoftGpu.configure("checks=all+-leaks");         // what a lost device cannot free is freed with the context
        int failures = 0;
        for (long n = 1; n <= calls; n++) {
            SoftGpu.inject("lost:" + n);
            failures += fails(convolutions, "lost at call " + n, CUresult.CUDA_ERROR_UNKNOWN) ? 1 : 0;
            forgetContext();
            assertEquals("", SoftGpu.liveAllocations(), "lost at call " + n);
        }
        assertEquals(calls, failures);
        train(convolutions);
    }

    /**
     * A single call fails, and the driver works afterwards. If it fails during a capture, later runs launch the
     * kernels.
     */
    @ParameterizedTest
    @ValueSource(strings = {"alloc", "copy", "launch", "synchronize", "load"})
    void oneFailedCallEndsTheRunOrIsMadeUpFor(String kind) throws IOException {
        begin();
        train(Convolutions.KERNELS);
        int result = kind.equals("alloc") ? CUresult.CUDA_ERROR_OUT_OF_MEMORY : CUresult.CUDA_ERROR_NOT_PERMITTED;
        int survived = 0;
        int failed = 0;
        while (survived == 0 || kind.equals("launch") && survived < 40) {
            SoftGpu.inject(kind + ":" + (failed + survived + 1) + "=" + CUresult.stringFor(result));
            if (fails(Convolutions.KERNELS, kind + " " + (failed + survived + 1), result)) {
                failed++;
            } else {
                survived++;
            }
            assertEquals("", SoftGpu.liveAllocations(), kind);
            assertEquals("", SoftGpu.report(), kind);
        }
        assertTrue(failed > 0, kind);
    }

    @Test
    void aDriverThatIsTooOldIsNamed() {
        SoftGpu.configure("driver=11080");
        assertEquals("The software CUDA device is for CUDA 11.8; install one for CUDA 12.0 or later.",
                assertThrows(FramecastException.class, () -> CudaDriver.openSoftware()).getMessage());
    }
}
