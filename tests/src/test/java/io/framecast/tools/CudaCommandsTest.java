package io.framecast.tools;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.framecast.backend.TestDevice;
import io.framecast.golden.Closeness;
import io.framecast.train.SafeTensorsFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Whole commands on the tests' CUDA device, against the same commands on the CPU. */
class CudaCommandsTest {

    private static final String CUDA = " --device " + TestDevice.CUDA;
    private static final String CPU = " --device cpu";

    @TempDir
    Path directory;
    private Workplace work;

    @BeforeEach
    void prepare() {
        work = Workplace.in(directory);
    }

    /**
     * All types of layers of the reference network, smaller; numbers of units and channels that are multiples of four,
     * and others.
     */
    private Path model() {
        return model(4);
    }

    private Path model(int filters) {
        return Workplace.write(work.file("model.json"), """
                {"input": {"height": 6, "width": 10, "channels": 1}, "layers": [
                  {"type": "ConvLSTM2D", "filters": %d, "kernel_size": 5, "padding": "same", "activation": "relu"},
                  {"type": "BatchNormalization"},
                  {"type": "ConvLSTM2D", "filters": 5, "kernel_size": 3, "padding": "same", "activation": "relu"},
                  {"type": "BatchNormalization"},
                  {"type": "ConvLSTM2D", "filters": %d, "kernel_size": 1, "padding": "same", "activation": "relu"},
                  {"type": "Conv3D", "filters": 1, "kernel_size": 3, "activation": "sigmoid"}]}
                """.formatted(filters, filters));
    }

    private Path train(String options, String out) {
        return train("--lr 0.01 " + options, model(), out);
    }

    private Path train(String options, Path model, String out) {
        Path run = work.file(out);
        Cli.run("train --batch-size 3 --videos 7 --validation-split 0.15 --seed 4 " + options + " --data",
                work.data(), "--model", model, "--out", run).done();
        return run;
    }

    private static double[] losses(Path run) throws IOException {
        return Files.readAllLines(run.resolve("steps.csv")).stream().skip(1)
                .mapToDouble(line -> Double.parseDouble(line.split(",")[1])).toArray();
    }

    private static void assertSameLosses(Path expected, Path actual) throws IOException {
        assertLosses(expected, actual, 2e-5);
    }

    private static void assertLosses(Path expected, Path actual, double tolerance) throws IOException {
        double[] first = losses(expected);
        double[] second = losses(actual);
        assertEquals(first.length, second.length);
        for (int k = 0; k < first.length; k++) {
            assertEquals(first[k], second[k], tolerance * first[k], "loss of step " + (k + 1));
        }
    }

    /** Twenty steps. An epoch has 5 videos, in batches of 3 and 2. */
    @ParameterizedTest
    @ValueSource(strings = {"kernels", "vendor"})
    void twentyStepsHaveTheLossesOfTheCpuAndTheSameBitsAgain(String convolutions) throws IOException {
        String options = "--steps 20 --conv " + convolutions + CUDA;
        Path run = train(options, "run");
        Path again = train(options, "again");
        assertSameLosses(train("--steps 20" + CPU, "cpu"), run);
        assertArrayEquals(losses(run), losses(again));
        SafeTensorsFile.assertSame(run.resolve("checkpoints/last.safetensors"),
                again.resolve("checkpoints/last.safetensors"));
    }

    /**
     * In bfloat16 both round the same operands, but for the hidden states that batch normalisation reads, which are
     * rounded on tensor cores only; and rounding errors of float32 let a few values round the other way. A loss
     * averages over all of that: 1e-3 is a quarter of the unit roundoff. With Adam's default rate: its first steps have
     * the size of the rate wherever a gradient is not zero, so that with a large one rounding decides where small
     * gradients lead.
     */
    @ParameterizedTest
    @ValueSource(ints = {4, 8})
    void twentyStepsInBFloat16HaveTheLossesOfTheCpu(int filters) throws IOException {
        String options = "--steps 20 --precision bf16";
        Path run = train(options + CUDA, model(filters), "run");
        assertLosses(train(options + CPU, model(filters), "cpu"), run, 1e-3);
        assertArrayEquals(losses(run), losses(train(options + CUDA, model(filters), "again")));
    }

    /** The unit roundoff of tf32 is 2^-11. */
    @Test
    void twentyStepsInTf32HaveTheLossesOfTheCpuInFloat32() throws IOException {
        assertLosses(train("--steps 20" + CPU, model(8), "cpu"), train("--steps 20 --precision tf32" + CUDA, model(8),
                "run"), Math.scalb(1, -11));
    }

    /**
     * Before the first update, the losses differ by less than the unit roundoff, 2^-8 or 2^-11: the CPU rounds the same
     * operands to bfloat16, and the roundings cancel in the mean over all pixels. Then Adam, which divides gradients by
     * their size, makes whole steps of those that are mostly rounding, and the runs diverge slowly however small it is:
     * the bound for each step is that of BFloat16TrainingTest, 2^-5. A sixth of it was measured for both.
     */
    @ParameterizedTest
    @CsvSource({"bf16, bf16, -8", "tf32, fp32, -11"})
    void twentyStepsOfTheVendorsHaveTheLossesOfTheCpu(String precision, String onCpu,
            int roundoff) throws IOException {
        String device = " --conv vendor" + CUDA;
        Path run = train("--steps 20 --precision " + precision + device, "run");
        Path cpu = train("--steps 20 --precision " + onCpu + CPU, "cpu");
        assertEquals(losses(cpu)[0], losses(run)[0], Math.scalb(losses(cpu)[0], roundoff));
        assertLosses(cpu, run, Math.scalb(1, -5));
        assertFalse(Arrays.equals(losses(train("--steps 20" + device, "fp32")), losses(run)), "as in fp32");
        // A run keeps its precision.
        Path pieces = train("--steps 7 --precision " + precision + device, "pieces");
        Cli.run("train --steps 20" + device + " --resume", pieces).done();
        assertArrayEquals(losses(run), losses(pieces));
        SafeTensorsFile.assertSame(run.resolve("checkpoints/last.safetensors"),
                pieces.resolve("checkpoints/last.safetensors"));
    }

    /** With scheduled sampling: its forecasts are part of the recorded step. */
    @Test
    void scheduledSamplingHasTheLossesOfTheCpuToo() throws IOException {
        String options = "--steps 8 --scheduled-sampling 0.25 --lr-schedule cosine";
        assertSameLosses(train(options + CPU, "cpu"), train(options + CUDA, "run"));
    }

    @Test
    void aRunMovesBetweenDevices() throws IOException {
        Path whole = train("--steps 9" + CPU, "whole");
        Path moved = train("--steps 3" + CPU, "moved");
        assertTrue(Cli.run("train --steps 6" + CUDA + " --resume", moved).done().out()
                .contains("device: the run was computed by CPU, "));
        // The same precision by other libraries.
        assertTrue(Cli.run("train --steps 7" + CUDA + " --conv vendor --resume", moved).done().out()
                .contains("device: the run was computed by Framecast software device"));
        assertTrue(Cli.run("train --steps 9" + CPU + " --resume", moved).done().out()
                .contains(", convolutions of cuDNN and cuBLAS until now: "));
        assertSameLosses(whole, moved);
    }

    /** What only makes the report again is not what the run was computed by. */
    @Test
    void aRunIsOfTheDeviceThatTrainedIt() throws IOException {
        Path run = train("--steps 3" + CUDA, "run");
        String before = device(run);
        Cli.Result report = Cli.run("train" + CPU + " --resume", run).done();
        assertTrue(report.out().contains("nothing to train") && !report.out().contains("until now"), report::toString);
        assertEquals(before, device(run));
        Cli.Result resumed = Cli.run("train --steps 4" + CUDA + " --resume", run).done();
        assertFalse(resumed.out().contains("until now"), resumed::toString);
        assertArrayEquals(losses(train("--steps 4" + CUDA, "whole")), losses(run));
        assertTrue(Cli.run("train --steps 5" + CPU + " --resume", run).done().out()
                .contains("device: the run was computed by " + before + " until now"));
        assertTrue(device(run).startsWith("CPU, "), device(run));
    }

    private static String device(Path run) throws IOException {
        return SafeTensorsFile.json(Files.readString(run.resolve("config.json"))).path("device").asText();
    }

    @ParameterizedTest
    @ValueSource(strings = {"kernels", "vendor"})
    void aCheckpointPredictsAsOnTheCpu(String convolutions) throws IOException {
        Path checkpoint = train("--steps 6" + CPU, "run").resolve("checkpoints/last.safetensors");
        String cuda = " --conv " + convolutions + CUDA;
        for (String options : new String[] {"--context 2 --frames 4", "--teacher-forced"}) {
            Path expected = work.file("cpu.npy");
            Path actual = work.file("cuda.npy");
            Cli.run("predict " + options + CPU + " --checkpoint", checkpoint, "--input", work.data(), "--output",
                    expected).done();
            Cli.run("predict " + options + cuda + " --checkpoint", checkpoint, "--input", work.data(), "--output",
                    actual).done();
            assertEquals(Npy.read(expected).shape(), Npy.read(actual).shape());
            for (int k = 0; k < 8; k++) {
                Closeness.assertClose(options + ", video " + k, Npy.read(expected).video(k, 8),
                        Npy.read(actual).video(k, 8), Closeness.OUTPUT);
            }
        }
        Path gifs = work.file("gifs");
        Cli.run("gifs --context 2 --count 2" + cuda + " --checkpoint", checkpoint, "--data", work.data(), "--out", gifs)
                .done();
        try (var files = Files.list(gifs)) {
            assertEquals(2, files.filter(file -> file.toString().endsWith(".gif")).count());
        }
        double expected = meanSquaredError(checkpoint, CPU);
        assertEquals(expected, meanSquaredError(checkpoint, cuda), Closeness.OUTPUT * expected);
    }

    private double meanSquaredError(Path checkpoint, String options) throws IOException {
        Path scores = work.file("scores.json");
        Cli.run("evaluate --context 2" + options + " --checkpoint", checkpoint, "--data", work.data(), "--json", scores)
                .done();
        return SafeTensorsFile.json(Files.readString(scores)).at("/model/mse/mean").doubleValue();
    }
}
