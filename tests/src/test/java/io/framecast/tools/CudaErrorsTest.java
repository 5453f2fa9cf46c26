package io.framecast.tools;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.framecast.softgpu.SoftGpu;
import io.framecast.train.Checkpoint;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledIfSystemProperty;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Errors of a GPU in the middle of a command: one sentence, status 1, and nothing that was saved is lost. */
@DisabledIfSystemProperty(named = "framecast.device", matches = "cuda", disabledReason = "faults are injected")
class CudaErrorsTest {

    @TempDir
    Path directory;
    private Workplace work;

    @BeforeEach
    void prepare() {
        SoftGpu.configure("checks=all,memory=16g");
        work = Workplace.in(directory);
    }

    @AfterEach
    void nothingIsLeft() {
        SoftGpu.inject(null);
        SoftGpu.clearReport(); // of leaks: a lost context frees its memory at its end only
        assertEquals("", SoftGpu.liveAllocations());
    }

    private Cli.Result train(int steps, Path run, String more) {
        return Cli.run("train --device softgpu --batch-size 3 --steps " + steps + " --seed 4 --validation-split 0 "
                + more + "--data", work.data(), "--model", work.model(), "--out", run);
    }

    /** The context is lost, so every later call of the driver fails, too: that must not be what is said. */
    @ParameterizedTest
    @CsvSource({
        "cuEventSynchronize, 214, CUDA_ERROR_ECC_UNCORRECTABLE, nvidia-smi --gpu-reset",
        "cuEventRecord, 702, CUDA_ERROR_LAUNCH_TIMEOUT, a smaller batch (--batch-size).",
        "cuGraphLaunch, 715, CUDA_ERROR_ILLEGAL_INSTRUCTION, run the same on it (--device softgpu)."})
    void aLostContextEndsATrainingWithTheFirstError(String call, int result, String name, String advice) {
        Path run = work.file("run");
        train(2, run, "").done();
        SoftGpu.inject(call + ":3=" + result);
        Cli.run("train --device softgpu --steps 30 --resume", run).refused(1, call + " failed with " + name, advice);
        SoftGpu.inject(null);
        assertTrue(Checkpoint.read(run.resolve("checkpoints/last.safetensors")).training().progress().step() >= 2);
        Cli.run("train --device softgpu --steps 4 --resume", run).done();
    }

    @Test
    void aGpuThatOthersFillIsSaidBeforeAnythingIsComputed() {
        Path run = work.file("run");
        SoftGpu.inject("memory=5m"); // Buffers for copies are 4 MiB.
        Cli.Result result = train(1, run, "").refused(1, " free (other programs hold up to 16.0 GiB)");
        assertTrue(result.err().contains("smaller") || result.err().contains("would fit"), result.err());
        assertTrue(Files.notExists(run), "nothing was begun");
    }

    @Test
    void theNextGpuServesATrainingWhereTheFirstIsInUse() {
        SoftGpu.inject("devices=2,cuDevicePrimaryCtxRetain:1=CUDA_ERROR_DEVICE_UNAVAILABLE");
        String out = train(1, work.file("run"), "").done().out();
        assertTrue(out.contains(" (passed over: GPU 0, Framecast software device: cuDevicePrimaryCtxRetain failed with "
                + "CUDA_ERROR_DEVICE_UNAVAILABLE (46)"), out);
    }

    @Test
    void devicesTellsWhatIsSpecialAboutAGpu() {
        SoftGpu.inject("attribute:17=1,attribute:20=3,attribute:32=1");
        String line = Cli.run("devices").done().out().lines().filter(some -> some.startsWith("softgpu")).findFirst()
                .orElseThrow();
        assertTrue(line.matches(".* 16 GiB, ECC on, drives a display, .*, for one process at a time .*; CUDA on .*"),
                line);
    }
}
