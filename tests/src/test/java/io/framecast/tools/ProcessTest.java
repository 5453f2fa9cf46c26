package io.framecast.tools;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import io.framecast.backend.Precision;
import io.framecast.backend.cpu.CpuBackend;
import io.framecast.backend.cuda.compiler.TestCompiler;
import io.framecast.cpu.NativeCpu;
import io.framecast.train.SafeTensorsFile;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Behaviour that needs a separate process: signals, full disks, closed pipes. */
@Timeout(60)
class ProcessTest {

    @TempDir
    Path directory;
    private Workplace work;

    /** Unpacks the native libraries: a process that may not write large files could not. */
    @BeforeAll
    static void unpackNativeLibraries() {
        NativeCpu.load();
    }

    @BeforeEach
    void prepare() {
        work = Workplace.in(directory);
    }

    /**
     * Starts the command line under {@code prefix}, for example a shell that sets limits, with a heap of {@code heap}
     * MB.
     */
    static Process start(List<String> prefix, int heap, Object... arguments) throws IOException {
        List<String> command = new ArrayList<>(prefix);
        command.addAll(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-Xmx" + heap + "m",
                "--enable-native-access=ALL-UNNAMED", "-cp", System.getProperty("java.class.path"),
                "io.framecast.tools.Main"));
        List<String> words = new ArrayList<>();
        for (Object argument : arguments) {
            words.addAll(List.of(argument.toString().split(" ")));
        }
        command.addAll(Cli.onCpu(words));
        return new ProcessBuilder(command).start();
    }

    /** The standard error of a process, without the lines of the JVM about its environment. */
    static String errors(Process process) throws IOException {
        return process.errorReader(StandardCharsets.UTF_8).lines()
                .filter(line -> !line.startsWith("Picked up JAVA_TOOL_OPTIONS")).collect(Collectors.joining("\n"));
    }

    /**
     * The signals that ask a process to end. Some arrive twice, for example when a terminal is closed or from timeout.
     */
    @ParameterizedTest
    @CsvSource({"INT, 1", "TERM, 2", "HUP, 2", "XCPU, 1"})
    void aSignalFinishesTheStepSavesAndLeavesWhatCanBeGoneOnWithBitForBit(String signal, int times) throws Exception {
        Path run = work.file("run");
        String options = "train --threads 2 --batch-size 2 --videos 6 --data " + work.data() + " --model "
                + work.model();
        // Shells may make background jobs ignore the signal.
        Process process = start(List.of("env", "--default-signal=" + signal), 256, options, "--epochs 1000000 --out",
                run);
        try {
            BufferedReader out = process.inputReader(StandardCharsets.UTF_8);
            await(process, out, "epoch 2");
            for (int k = 0; k < times; k++) {
                signal(process, signal);
            }
            List<String> rest = out.lines().toList();
            assertTrue(process.waitFor(30, TimeUnit.SECONDS));
            String err = errors(process);
            assertEquals(130, process.exitValue(), err);
            assertEquals("stopped; go on with: framecast train --resume " + run, rest.get(rest.size() - 1));
            assertEquals(List.of("", "finishing the step and saving" + (signal.equals("INT")
                    ? "; once more to leave at once" : "")), err.lines().toList());
        } finally {
            process.destroyForcibly();
        }
        assertGoesOnAsIfNothingHadHappened(run, options);
    }

    private static void await(Process process, BufferedReader out, String beginning) throws IOException {
        String line = out.readLine();
        while (!line.startsWith(beginning)) {
            line = out.readLine();
            assertNotNull(line, () -> "ended early: " + process.exitValue());
        }
    }

    private static void signal(Process process, String signal) throws Exception {
        assertEquals(0, new ProcessBuilder("sh", "-c", "kill -" + signal + " " + process.pid()).start().waitFor());
    }

    private void assertGoesOnAsIfNothingHadHappened(Path run, String options) throws IOException {
        Path last = run.resolve("checkpoints/last.safetensors");
        String progress = SafeTensorsFile.read(last).metadata("framecast.training");
        int step = SafeTensorsFile.json(progress).get("step").intValue();
        assertEquals(step + 1, Files.readAllLines(run.resolve("steps.csv")).size());
        Cli.run("train --steps " + (step + 2) + " --resume", run).done();
        Path whole = work.file("whole");
        Cli.run(options, "--steps", step + 2, "--out", whole).done();
        SafeTensorsFile.assertSame(whole.resolve("checkpoints/last.safetensors"), last);
        assertEquals(numbersAndLosses(whole), numbersAndLosses(run));
    }

    private static List<String> numbersAndLosses(Path run) throws IOException {
        return Files.readAllLines(run.resolve("steps.csv")).stream().map(line -> line.replaceFirst(",[^,]*$", ""))
                .toList();
    }

    /** As with {@code | head -1}, and when a terminal is closed: the reader is gone, then HUP arrives. */
    @Test
    void nobodyWhoReadsIsNoReasonToEndAndLosesNothing() throws Exception {
        Path run = work.file("run");
        String options = "train --threads 2 --batch-size 2 --videos 6 --data " + work.data() + " --model "
                + work.model();
        Process process = start(List.of("env", "--default-signal=HUP"), 256, options, "--epochs 1000000 --out", run);
        try {
            await(process, process.inputReader(StandardCharsets.UTF_8), "training");
            process.getInputStream().close();
            process.getErrorStream().close();
            long steps;
            Path table = run.resolve("steps.csv");
            do {
                assertTrue(process.isAlive());
                Thread.sleep(50);
                steps = Files.exists(table) ? Files.readAllLines(table).size() : 0;
            } while (steps < 20);
            signal(process, "HUP");
            assertTrue(process.waitFor(30, TimeUnit.SECONDS));
            assertEquals(130, process.exitValue());
        } finally {
            process.destroyForcibly();
        }
        assertGoesOnAsIfNothingHadHappened(run, options);
    }

    @Test
    void aSecondProcessIsRefusedAndOneThatWasKilledIsNotInTheWay() throws Exception {
        Path run = work.file("run");
        String options = "train --threads 1 --batch-size 2 --videos 6 --data " + work.data() + " --model "
                + work.model();
        Process process = start(List.of(), 256, options, "--epochs 1000000 --out", run);
        Instant started = Instant.now();
        String owner = "in use by process " + process.pid() + ", started at ";
        try {
            await(process, process.inputReader(StandardCharsets.UTF_8), "epoch 1");
            Cli.Result refused = Cli.run("train --resume", run);
            refused.refused(1, run.toString(), owner);
            // The system's clock may be set meanwhile, by which two processes disagree about the start of one.
            String said = refused.err().substring(refused.err().indexOf(owner) + owner.length());
            Duration difference = Duration.between(started, Instant.parse(said.substring(0, said.indexOf(';')))).abs();
            assertTrue(difference.toMinutes() < 5, said);
            Cli.run(options, "--out", run).refused(1, owner);
            Cli.run(options, "--overwrite", "--out", run).refused(1, owner);
            assertTrue(process.isAlive());
        } finally {
            process.destroyForcibly();
            process.waitFor();
        }
        assertTrue(Files.exists(run.resolve(".lock")));
        Files.writeString(run.resolve("checkpoints/.last.safetensors.123.part"), "half");
        String progress = SafeTensorsFile.read(run.resolve("checkpoints/last.safetensors")).metadata(
                "framecast.training");
        int step = SafeTensorsFile.json(progress).get("step").intValue();
        Cli.run("train --steps " + (step + 1) + " --resume", run).done();
        assertFalse(Files.exists(run.resolve(".lock")));
        assertFalse(Files.exists(run.resolve("checkpoints/.last.safetensors.123.part")));
    }

    @Test
    void ofTwoThatBeginAtOnceOneWins() throws Exception {
        Path run = work.file("run");
        List<Process> both = new ArrayList<>();
        for (int k = 0; k < 2; k++) {
            both.add(start(List.of(), 256, "train --threads 1 --epochs 3 --seed " + k + " --data " + work.data()
                    + " --model " + work.model(), "--out", run));
        }
        List<Integer> statuses = new ArrayList<>();
        for (Process process : both) {
            process.inputReader(StandardCharsets.UTF_8).lines().forEach(line -> { });
            String err = errors(process);
            assertTrue(process.waitFor(30, TimeUnit.SECONDS));
            statuses.add(process.exitValue());
            // The second command ran while the first one was running, or after it.
            assertTrue(process.exitValue() == 0 ? err.isEmpty()
                    : err.contains("in use by process ") || err.contains("holds a run already"), err);
        }
        Collections.sort(statuses);
        assertEquals(List.of(0, 1), statuses);
        assertEquals(3 * 2 + 1, Files.readAllLines(run.resolve("steps.csv")).size());
    }

    @Test
    void aRunThatCannotBeginForWantOfSpaceLeavesNothing() throws Exception {
        // Native libraries are extracted once, by the first process.
        try (CpuBackend cpu = new CpuBackend(Precision.FP32, 1)) {
            assertEquals(1, cpu.threads().orElseThrow());
        }
        Map<String, String> contents = work.contents();
        Process process = start(List.of("sh", "-c", "ulimit -f 2; exec \"$@\"", "sh"), 256, "train --steps 1 --data",
                work.data(), "--model", work.model(), "--out", work.file("new/deep/run"));
        process.inputReader(StandardCharsets.UTF_8).lines().forEach(line -> { });
        String err = errors(process);
        assertTrue(process.waitFor(30, TimeUnit.SECONDS));
        assertEquals(1, process.exitValue(), err);
        assertTrue(err.startsWith("framecast: Cannot write ") && err.lines().count() == 1, err);
        assertEquals(contents, work.contents());
    }

    @Test
    void aFullDiskIsASentenceAndWhatWasThereStands() throws Exception {
        Path checkpoint = work.init();
        byte[] before = Files.readAllBytes(checkpoint);
        assertTrue(before.length > 2048);
        Map<String, String> contents = work.contents();
        // Limits files to 2 blocks of 512 or 1024 bytes.
        Process process = start(List.of("sh", "-c", "ulimit -f 2; exec \"$@\"", "sh"), 256, "init --seed 6 --model",
                work.model(), "--out", checkpoint);
        String err = errors(process);
        assertTrue(process.waitFor(30, TimeUnit.SECONDS));
        assertEquals(1, process.exitValue(), err);
        assertTrue(err.startsWith("framecast: Cannot write " + checkpoint + ": ") && err.lines().count() == 1, err);
        assertArrayEquals(before, Files.readAllBytes(checkpoint));
        assertEquals(contents, work.contents(), "nothing half-written");
    }

    /**
     * A command fails if its output cannot be written, except a training, whose results are in its files. A closed pipe
     * gives no message.
     */
    @ParameterizedTest
    @CsvSource({"/dev/full, 1, 0, Cannot write to standard output: No space left on device.", "pipe, 1, 0, ''"})
    void aResultThatCannotBeWrittenIsAFailureButATrainingIsNot(String to, int status, int ofTraining, String says)
            throws Exception {
        String script = to.equals("pipe") ? "mkfifo \"$0\"; exec 3<>\"$0\" >\"$0\" 3<&-; exec \"$@\""
                : "exec \"$@\" >" + to;
        List<String> shell = List.of("sh", "-c", script, work.file("pipe").toString());
        Map<String, Integer> commands = Map.of("devices", status, "--help", status, "data info " + work.data(), status,
                "train --steps 1 --data " + work.data() + " --model " + work.model() + " --out " + work.file("run"),
                ofTraining);
        for (Map.Entry<String, Integer> one : commands.entrySet()) {
            Files.deleteIfExists(work.file("pipe"));
            Process process = start(shell, 256, one.getKey());
            String err = errors(process);
            assertTrue(process.waitFor(30, TimeUnit.SECONDS));
            assertEquals(one.getValue(), process.exitValue(), one.getKey() + ": " + err);
            String kind = one.getValue() == 0 ? "warning: " : "";
            assertEquals(says.isEmpty() ? "" : "framecast: " + kind + says, err, one.getKey());
        }
        assertTrue(Files.exists(work.file("run/report.html")));
    }

    @Test
    void aFullHeapIsASentence() throws Exception {
        Process process = start(List.of(), 64, "train --data generated --videos 50000000 --out", work.file("run"));
        String err = errors(process);
        assertTrue(process.waitFor(30, TimeUnit.SECONDS));
        assertEquals(1, process.exitValue(), err);
        assertTrue(err.startsWith("framecast: The Java heap of 64 MB is full; ") && err.lines().count() == 1, err);
    }

    /** Needs a machine without NVIDIA's driver. */
    @Test
    void withoutAnNvidiaDriverCudaIsASentenceAndAutoIsTheCpu() throws Exception {
        assumeFalse(Files.exists(Path.of("/dev/nvidiactl")), "this machine has an NVIDIA driver");
        String options = "train --steps 1 --data " + work.data() + " --model " + work.model();
        Process process = start(List.of(), 256, options, "--device cuda --out", work.file("cuda"));
        String err = errors(process);
        assertTrue(process.waitFor(30, TimeUnit.SECONDS));
        assertEquals(1, process.exitValue(), err);
        assertEquals("framecast: This machine has no NVIDIA driver (no libcuda.so.1); install it if there is an NVIDIA "
                + "GPU, or start the container with --gpus all.", err);
        assertFalse(Files.exists(work.file("cuda")));
        process = start(List.of(), 256, options, "--device auto --out", work.file("auto"));
        String first = process.inputReader(StandardCharsets.UTF_8).readLine();
        assertTrue(first.startsWith("device: CPU, ") && first.contains("(no CUDA: This machine has no NVIDIA driver"),
                first);
        process.destroyForcibly();
    }

    /** A file cannot be the cache's parent directory: the next candidate is used. */
    @Test
    void aCacheThatCannotBeWrittenDoesNoHarm() throws Exception {
        Process process = start(List.of("env", "XDG_CACHE_HOME=/dev/null",
                "FRAMECAST_NVRTC=" + TestCompiler.directory()), 256,
                "train --steps 1 --device softgpu --data " + work.data() + " --model " + work.model(), "--out",
                work.file("run"));
        process.inputReader(StandardCharsets.UTF_8).lines().forEach(line -> { });
        assertTrue(process.waitFor(60, TimeUnit.SECONDS));
        assertEquals(0, process.exitValue(), errors(process));
    }

    @Test
    void devicesListsTheRestWhereNativeLibrariesHaveNoPlace() throws Exception {
        Process process = start(List.of("env", "FRAMECAST_CACHE=/dev/null"), 256, "devices");
        List<String> lines = process.inputReader(StandardCharsets.UTF_8).lines().toList();
        assertTrue(process.waitFor(30, TimeUnit.SECONDS));
        assertEquals(0, process.exitValue(), errors(process));
        assertEquals(List.of("cpu", "cuda", "nvrtc", "cudnn", "cublas", "softgpu"),
                lines.stream().map(line -> line.replaceFirst(" .*", "")).toList());
        assertTrue(lines.get(0).matches("cpu +no   FRAMECAST_CACHE is /dev/null, which cannot be used: .*\\."),
                lines.get(0));
        for (String line : lines.subList(1, lines.size())) { // The sentence is printed only once.
            assertTrue(line.matches("\\w+ +no   for the same reason as cpu"), line);
        }
    }
}
