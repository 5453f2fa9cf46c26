package io.framecast.tools;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import io.framecast.backend.cuda.Nvrtc;
import io.framecast.train.SafeTensorsFile;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What takes a process of its own to see: a signal, and a disk that is full. */
@Timeout(60)
class ProcessTest {

    @TempDir
    Path directory;
    private Workplace work;

    @BeforeEach
    void prepare() {
        work = Workplace.in(directory);
    }

    /** The command line under {@code prefix}, such as a shell that limits it, in a heap of so many MB. */
    static Process start(List<String> prefix, int heap, Object... arguments) throws IOException {
        List<String> command = new ArrayList<>(prefix);
        command.addAll(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-Xmx" + heap + "m",
                "-cp", System.getProperty("java.class.path"), "io.framecast.tools.Main"));
        List<String> words = new ArrayList<>();
        for (Object argument : arguments) {
            words.addAll(List.of(argument.toString().split(" ")));
        }
        command.addAll(Cli.onCpu(words));
        return new ProcessBuilder(command).start();
    }

    /** What a process says on standard error, but for what the JVM itself says of its environment. */
    static String errors(Process process) throws IOException {
        return process.errorReader(StandardCharsets.UTF_8).lines()
                .filter(line -> !line.startsWith("Picked up JAVA_TOOL_OPTIONS")).collect(Collectors.joining("\n"));
    }

    @Test
    void controlCFinishesTheStepSavesAndLeavesWhatCanBeGoneOnWithBitForBit() throws Exception {
        Path run = work.file("run");
        String options = "train --threads 2 --batch-size 2 --videos 6 --data " + work.data() + " --model "
                + work.model();
        // A shell may have its background jobs ignore the signal.
        Process process = start(List.of("env", "--default-signal=INT"), 256, options, "--epochs 1000000 --out", run);
        try {
            BufferedReader out = process.inputReader(StandardCharsets.UTF_8);
            String line = out.readLine();
            while (!line.startsWith("epoch 2")) {
                line = out.readLine();
                assertNotNull(line, () -> "ended early: " + process.exitValue());
            }
            assertEquals(0, new ProcessBuilder("sh", "-c", "kill -INT " + process.pid()).start().waitFor());
            List<String> rest = out.lines().toList();
            assertTrue(process.waitFor(30, TimeUnit.SECONDS));
            assertEquals(130, process.exitValue());
            assertEquals("stopped; go on with: framecast train --resume " + run, rest.get(rest.size() - 1));
            assertFalse(new String(process.getErrorStream().readAllBytes(),
                    StandardCharsets.UTF_8).contains("xception"));
        } finally {
            process.destroyForcibly();
        }
        Path last = run.resolve("checkpoints/last.safetensors");
        String progress = SafeTensorsFile.read(last).metadata("framecast.training");
        int step = SafeTensorsFile.json(progress).get("step").intValue();
        assertEquals(step + 1, Files.readAllLines(run.resolve("steps.csv")).size());
        Cli.run("train --steps " + (step + 2) + " --resume", run).done();
        Path whole = work.file("whole");
        Cli.run(options, "--steps", step + 2, "--out", whole).done();
        SafeTensorsFile.assertSame(whole.resolve("checkpoints/last.safetensors"), last);
    }

    @Test
    void aFullDiskIsASentenceAndWhatWasThereStands() throws Exception {
        Path checkpoint = work.init();
        byte[] before = Files.readAllBytes(checkpoint);
        assertTrue(before.length > 2048);
        Map<String, String> contents = work.contents();
        // No file may grow beyond 2 blocks, which are of 512 or 1024 bytes.
        Process process = start(List.of("sh", "-c", "ulimit -f 2; exec \"$@\"", "sh"), 256, "init --seed 6 --model",
                work.model(), "--out", checkpoint);
        String err = errors(process);
        assertTrue(process.waitFor(30, TimeUnit.SECONDS));
        assertEquals(1, process.exitValue(), err);
        assertTrue(err.startsWith("framecast: Cannot write " + checkpoint + ": ") && err.lines().count() == 1, err);
        assertArrayEquals(before, Files.readAllBytes(checkpoint));
        assertEquals(contents, work.contents(), "nothing half-written");
    }

    @Test
    void aFullHeapIsASentence() throws Exception {
        Process process = start(List.of(), 64, "train --data generated --videos 50000000 --out", work.file("run"));
        String err = errors(process);
        assertTrue(process.waitFor(30, TimeUnit.SECONDS));
        assertEquals(1, process.exitValue(), err);
        assertTrue(err.startsWith("framecast: The Java heap of 64 MB is full; ") && err.lines().count() == 1, err);
    }

    /** What there is on a machine without NVIDIA's driver; and with one, whatever that finds. */
    @Test
    void withoutAnNvidiaDriverCudaIsASentenceAndAutoIsTheCpu() throws Exception {
        assumeFalse(Files.exists(Path.of("/dev/nvidiactl")), "this machine has an NVIDIA driver");
        String options = "train --steps 1 --data " + work.data() + " --model " + work.model();
        Process process = start(List.of(), 256, options, "--device cuda --out", work.file("cuda"));
        String err = errors(process);
        assertTrue(process.waitFor(30, TimeUnit.SECONDS));
        assertEquals(1, process.exitValue(), err);
        assertEquals("framecast: This machine has no NVIDIA driver (no libcuda.so.1); install it if there is an NVIDIA "
                + "GPU.", err);
        assertFalse(Files.exists(work.file("cuda")));
        process = start(List.of(), 256, options, "--device auto --out", work.file("auto"));
        String first = process.inputReader(StandardCharsets.UTF_8).readLine();
        assertTrue(first.startsWith("device: CPU, ") && first.contains("(no CUDA: This machine has no NVIDIA driver"),
                first);
        process.destroyForcibly();
    }

    /** Nothing can be kept under a file: kernels are compiled anew, and all works. */
    @Test
    void aCacheThatCannotBeWrittenDoesNoHarm() throws Exception {
        Nvrtc.load();
        String nvrtc = Nvrtc.describe().replace("NVRTC 12 in ", "");
        Process process = start(List.of("env", "XDG_CACHE_HOME=/dev/null", "FRAMECAST_NVRTC=" + nvrtc), 256,
                "train --steps 1 --device softgpu --data " + work.data() + " --model " + work.model(), "--out",
                work.file("run"));
        process.inputReader(StandardCharsets.UTF_8).lines().forEach(line -> { });
        assertTrue(process.waitFor(60, TimeUnit.SECONDS));
        assertEquals(0, process.exitValue(), errors(process));
    }
}
