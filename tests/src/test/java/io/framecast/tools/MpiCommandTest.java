package io.framecast.tools;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.framecast.distributed.MpiLauncher;
import io.framecast.train.Checkpoint;
import io.framecast.train.RunDirectory;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Commands whose processes mpirun starts. */
@Timeout(120)
class MpiCommandTest {

    /** What a process that fails, or is killed, may take to end all others. */
    private static final double SECONDS = 20;

    @TempDir
    Path directory;
    private Workplace work;

    @BeforeEach
    void prepare() {
        work = Workplace.in(directory);
    }

    static Stream<MpiLauncher> launchers() {
        return MpiLauncher.all();
    }

    private static Process start(List<String> launcher, Object... arguments) throws IOException {
        return ProcessTest.start(launcher, 256, arguments);
    }

    private record End(int status, List<String> lines) {
        /** Our own sentences; a launcher has its own things to say of processes that end with another status than 0. */
        List<String> errors() {
            return lines.stream().filter(line -> line.startsWith("framecast: ")).toList();
        }
    }

    private static End end(List<String> launcher, Object... arguments) throws Exception {
        return end(start(launcher, arguments));
    }

    private static End end(Process process) throws Exception {
        try (BufferedReader out = process.inputReader(StandardCharsets.UTF_8)) {
            List<String> lines = new ArrayList<>(out.lines().toList());
            process.errorReader(StandardCharsets.UTF_8).lines()
                    .filter(line -> !line.startsWith("Picked up JAVA_TOOL_OPTIONS")).forEach(lines::add);
            assertTrue(process.waitFor(30, TimeUnit.SECONDS));
            return new End(process.exitValue(), lines);
        } finally {
            process.destroyForcibly();
        }
    }

    private String options() {
        return "--threads 1 --batch-size 3 --videos 8 --data " + work.data() + " --model " + work.model();
    }

    /** The losses of one process and of several, over epochs with batches that not all have a part of. */
    @ParameterizedTest
    @MethodSource("launchers")
    void aRunHasTheLossesOfOneProcessAndGoesOnWithAnotherNumber(MpiLauncher launcher) throws Exception {
        Path alone = work.file("alone");
        Cli.run("train " + options() + " --steps 14 --out", alone).done();
        Path run = work.file("run");
        assertEquals(0, end(launcher.start(3), "train", options(), "--steps 4 --out", run).status);
        assertEquals(0, end(launcher.start(2), "train --resume", run, "--steps 9").status);
        // What trains nothing does not count, and says nothing of it.
        End none = end(List.of(), "train --resume", run);
        assertEquals(0, none.status, none.lines.toString());
        assertTrue(none.lines.stream().noneMatch(line -> line.contains("bit for bit")), none.lines.toString());
        End last = end(List.of(), "train --resume", run, "--steps 14");
        assertEquals(0, last.status, last.lines.toString());
        assertTrue(last.lines.get(0).startsWith("processes: 1, where the run had 2"), last.lines.toString());
        requireClose(alone.resolve("steps.csv"), run.resolve("steps.csv"), 14);
        requireClose(alone.resolve("metrics.csv"), run.resolve("metrics.csv"), 7);
    }

    private static void requireClose(Path expected, Path file, int rows) throws IOException {
        List<String> one = Files.readAllLines(expected);
        List<String> other = Files.readAllLines(file);
        assertEquals(one.size(), other.size());
        for (int row = 1; row < one.size(); row++) {
            double loss = Double.parseDouble(one.get(row).split(",")[1]);
            assertEquals(loss, Double.parseDouble(other.get(row).split(",")[1]), 2e-5 * loss, one.get(row));
        }
    }

    @ParameterizedTest
    @MethodSource("launchers")
    void forecastsAndScoresAreThoseOfOneProcess(MpiLauncher launcher) throws Exception {
        Path one = work.file("one.npy");
        Path three = work.file("three.npy");
        String predict = "predict --threads 1 --checkpoint " + work.init() + " --input " + work.data()
                + " --context 3 --frames 4 --output ";
        Cli.run(predict + one).done();
        End end = end(launcher.start(3), predict + three);
        assertEquals(0, end.status, end.lines.toString());
        assertEquals(-1, Files.mismatch(one, three));

        String evaluate = "evaluate --threads 1 --checkpoint " + work.init() + " --data " + work.data()
                + " --context 3 --frames 2";
        List<String> scores = Cli.run(evaluate).done().out().lines().skip(1).toList();
        End shared = end(launcher.start(3), evaluate);
        assertEquals(scores, shared.lines.subList(2, shared.lines.size()), shared.lines.toString());
    }

    @ParameterizedTest
    @MethodSource("launchers")
    void aKilledProcessEndsTheRunInSecondsAndTheLastCheckpointIsGood(MpiLauncher launcher) throws Exception {
        Path run = work.file("run");
        Process process = start(launcher.start(3), "train", options(), "--epochs 1000000 --out", run);
        try {
            BufferedReader out = process.inputReader(StandardCharsets.UTF_8);
            for (String line = out.readLine(); !line.startsWith("epoch 2"); line = out.readLine()) {
                assertTrue(process.isAlive());
            }
            // One of the Java processes, of any rank.
            ProcessHandle victim = process.descendants()
                    .filter(child -> child.info().command().orElse("").endsWith("/java"))
                    .reduce((first, second) -> second).orElseThrow();
            assertEquals(0, new ProcessBuilder("kill", "-9", String.valueOf(victim.pid())).start().waitFor());
            long begin = System.nanoTime();
            assertTrue(process.waitFor(60, TimeUnit.SECONDS));
            assertTrue((System.nanoTime() - begin) / 1e9 < SECONDS);
            assertNotEquals(0, process.exitValue());
        } finally {
            process.destroyForcibly();
        }
        Checkpoint.read(RunDirectory.lastCheckpoint(run));
        End resumed = end(List.of(), "train --resume", run, "--epochs 1");
        assertEquals(0, resumed.status, resumed.lines.toString());
    }

    /** Figures of what was measured: a process alone, and two with as many videos together, and with as many each. */
    @Test
    void scalingIsMeasured() throws Exception {
        Path json = work.file("bench.json");
        End end = end(MpiLauncher.any().start(2), "bench --processes --threads 1 --batch-size 4 --steps 2 --model",
                work.model(), "--json", json);
        assertEquals(0, end.status, end.lines.toString());
        JsonNode figures = new JsonMapper().readTree(json.toFile());
        // 6 x 10 pixels, 3 filters: kernels of 3x3 from 1 and from 3 channels to 12, 12 and 2 x 3 vectors, 27 x 3 + 1.
        assertEquals(4 * (9 * 12 + 9 * 3 * 12 + 12 + 6 + 82), figures.path("gradient_bytes").intValue());
        assertEquals(2, figures.path("gathers").intValue());
        int[] videos = {4, 4, 8};
        for (int k = 0; k < 3; k++) {
            JsonNode row = figures.path("rows").path(k);
            assertEquals(k == 0 ? 1 : 2, row.path("processes").intValue());
            assertEquals(videos[k], row.path("videos").intValue());
            assertTrue(row.path("step_seconds").doubleValue() > row.path("waiting_seconds").doubleValue());
        }
    }

    /** What fails in one process only, or in all at the same time, is said once. */
    @Test
    void aFailureIsOneSentence() throws Exception {
        MpiLauncher launcher = MpiLauncher.any();
        Path run = work.file("run");
        String diverging = "train --steps 60 --lr 1e30 --validation-split 0 --out " + work.file("diverged") + " --model "
                + work.model() + " --data " + work.data() + " --batch-size 4";
        for (String wrong : List.of(diverging, "train --batch-size x", "train --steps 3 --batch-size 2 --out " + run, "demo",
                "train --steps 3 --data /nowhere.npy --out " + run, "evaluate --checkpoint /nowhere --data x.npy")) {
            End end = end(launcher.start(3), wrong);
            assertNotEquals(0, end.status);
            assertEquals(1, end.errors().size(), end.lines.toString());
            assertFalse(Files.exists(run));
        }
    }

    /** The second process finds no videos. */
    @Test
    void aFailureOfAnotherProcessIsToldByTheFirst() throws Exception {
        List<String> launcher = new ArrayList<>(MpiLauncher.any().start(2));
        Path script = inSecond("mkdir -p other && cd other");
        launcher.addAll(List.of("env", "--chdir=" + directory, script.toString()));
        Path run = work.file("run");
        long begin = System.nanoTime();
        End end = end(launcher, "train --threads 1 --batch-size 3 --steps 3 --data " + work.data().getFileName() + " --model", work.model(), "--out",
                run);
        assertTrue((System.nanoTime() - begin) / 1e9 < SECONDS);
        assertNotEquals(0, end.status);
        assertEquals(List.of("framecast: Process 1: Cannot read videos.npy: there is no such file."), end.errors(),
                end.lines.toString());
    }

    /** What runs a command, in the second process, of Open MPI or MPICH, after a line of shell. */
    private Path inSecond(String line) throws IOException {
        Path script = Files.writeString(work.file("second.sh"), """
                #!/bin/sh
                [ "${OMPI_COMM_WORLD_RANK:-$PMI_RANK}" = 1 ] && %s
                exec "$@"
                """.formatted(line));
        assertTrue(script.toFile().setExecutable(true));
        return script;
    }

    /** Processes that were not given the same would compute together what nobody asked for, or wait for each other. */
    @Test
    void otherOptionsInOneProcessAreRefused() throws Exception {
        String train = "train " + options() + " --steps 3 --out " + work.file("run");
        String predict = "predict --checkpoint " + work.init() + " --input " + work.data() + " --context 3 --output "
                + work.file("out.npy");
        for (String[] wrong : new String[][] {{train, "--precision bf16"}, {train, "--local-batch-norm"},
            {train, "--seed 3"}, {train, "--nonsense"}, {predict, "--frames 2"}}) {
            List<String> launcher = new ArrayList<>(MpiLauncher.any().start(2));
            launcher.add(inSecond("set -- \"$@\" " + wrong[1]).toString());
            End end = end(launcher, wrong[0]);
            assertNotEquals(0, end.status);
            assertEquals(1, end.errors().size(), wrong[1] + ": " + end.lines);
            assertTrue(end.errors().get(0).startsWith("framecast: Process 1 was")
                    || end.errors().get(0).contains("nonsense"), end.errors().get(0));
        }
    }

    /** Process 0 alone writes, and cannot. */
    @Test
    void aFullDiskEndsTheRunAndTheLastCheckpointStays() throws Exception {
        Path run = work.file("run");
        List<String> launcher = MpiLauncher.any().start(2);
        assertEquals(0, end(launcher, "train", options(), "--steps 3 --out", run).status);
        Path best = RunDirectory.bestCheckpoint(run);
        Files.delete(best);
        Files.createSymbolicLink(best, Path.of("/dev/full"));
        long begin = System.nanoTime();
        End end = end(launcher, "train --resume", run, "--epochs 1000");
        assertTrue((System.nanoTime() - begin) / 1e9 < SECONDS);
        assertNotEquals(0, end.status);
        assertEquals(1, end.errors().size(), end.lines.toString());
        assertTrue(end.errors().get(0).contains("No space left on device") && end.errors().get(0).endsWith("is safe; "
                + "to go on from there: mpirun -n 2 framecast train --resume " + run), end.errors().get(0));
        assertEquals(3, Checkpoint.read(RunDirectory.lastCheckpoint(run)).training().progress().step());
    }
}
