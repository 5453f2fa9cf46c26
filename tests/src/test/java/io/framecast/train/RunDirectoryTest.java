package io.framecast.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.framecast.FramecastException;
import io.framecast.nn.HostTensor;
import io.framecast.nn.ModelConfig;
import io.framecast.nn.ModelJson;
import io.framecast.nn.Parameters;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RunDirectoryTest {

    private static final ModelConfig MODEL = ModelJson.parse("""
            {"input": {"height": 2, "width": 2, "channels": 1}, "layers": [
              {"type": "Conv3D", "filters": 1, "kernel_size": 1, "activation": "sigmoid"}]}""", "test");

    @TempDir
    Path directory;
    private Path path;
    private final List<String> notes = new ArrayList<>();

    @BeforeEach
    void prepare() {
        path = directory.resolve("deep/run");
    }

    private static Checkpoint checkpoint(long step, int epoch) {
        Map<String, HostTensor> parameters = Parameters.initial(MODEL, 1);
        return new Checkpoint(MODEL, parameters, new Checkpoint.Training(parameters, parameters, null,
                new Progress(step, epoch, 0, 0, 0, 0, 0.001, new Progress.Callbacks(
                        new EarlyStopping.State(null, 0), new ReduceLROnPlateau.State(null, 0),
                        new Progress.BestLoss(null)), new Progress.RandomState(1)), null));
    }

    private RunDirectory create() {
        return RunDirectory.create(path, false, notes::add);
    }

    /** Writes a finished run of two steps, each an epoch. */
    private void aRun() {
        try (RunDirectory run = create()) {
            run.describe(Map.of("seed", 1L));
            run.trainingStarted(checkpoint(0, 0));
            for (int k = 1; k <= 2; k++) {
                run.stepDone(new StepMetrics(k, 0.5, 0.001, 1, 0.25));
                run.epochDone(new EpochMetrics(k, 0.5, Double.NaN, 0.001, 0.25));
            }
            run.checkpointMade(checkpoint(2, 2));
        }
        assertEquals(List.of(), notes);
    }

    private Map<String, String> contents() throws IOException {
        Map<String, String> contents = new TreeMap<>();
        try (Stream<Path> walk = Files.walk(directory)) {
            for (Path file : (Iterable<Path>) walk::iterator) {
                contents.put(directory.relativize(file).toString(),
                        Files.isDirectory(file) ? "" : new String(Files.readAllBytes(file), "ISO-8859-1"));
            }
        }
        return contents;
    }

    private static void assertInUse(FramecastException e) {
        long pid = ProcessHandle.current().pid();
        assertTrue(e.getMessage().matches(".*/deep/run is in use by process " + pid
                + ", started at 20\\d\\d-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ; wait until it ends, or stop it\\."),
                e.getMessage());
    }

    @Test
    void aRunIsOneUsersUntilItIsClosed() throws IOException {
        try (RunDirectory run = create()) {
            // The directory does not exist yet: two may be opened, but only one can start.
            RunDirectory other = create();
            run.trainingStarted(checkpoint(0, 0));
            Map<String, String> before = contents();
            assertInUse(assertThrows(FramecastException.class, () -> other.trainingStarted(checkpoint(0, 0))));
            other.close();
            assertInUse(assertThrows(FramecastException.class, this::create));
            assertInUse(assertThrows(FramecastException.class, () -> RunDirectory.create(path, true, notes::add)));
            Path link = Files.createSymbolicLink(directory.resolve("link"), path);
            assertThrows(FramecastException.class, () -> RunDirectory.resume(link, notes::add));
            Files.delete(link);
            assertEquals(before, contents());
        }
        assertFalse(Files.exists(path.resolve(".lock")));
        RunDirectory.resume(path, notes::add).close();
        // Now there is a run: another one cannot be created.
        FramecastException e = assertThrows(FramecastException.class, this::create);
        assertTrue(e.getMessage().contains("holds a run already"), e.getMessage());
        assertEquals(List.of(), notes);
    }

    @Test
    void aDescriptionFromTheNextStepOnIsInTheFirstCheckpointWithThatStep() {
        aRun();
        try (RunDirectory run = RunDirectory.resume(path, notes::add)) {
            Checkpoint last = run.last();
            run.describe(Map.of("seed", 1L, "device", "old"));
            run.describeFromNextStep(Map.of("seed", 1L, "device", "new"));
            run.trainingStarted(last);
            assertDevice("old", run);
            run.stepDone(new StepMetrics(3, 0.5, 0.001, 1, 0.25));
            assertDevice("old", run); // If it were killed now, the step would be lost.
            run.checkpointMade(checkpoint(3, 3));
            assertDevice("new", run);
        }
        assertEquals(List.of(), notes);
    }

    private void assertDevice(String expected, RunDirectory run) {
        assertEquals(expected, run.readConfig().path("device").asText());
        assertEquals(expected, Checkpoint.read(RunDirectory.lastCheckpoint(path)).training().run().path("device")
                .asText());
    }

    @Test
    void aLockThatACrashLeftIsTakenAndOneThatLeadsElsewhereIsNot() throws IOException {
        aRun();
        Path lock = Files.writeString(path.resolve(".lock"), "1 2020-01-01T00:00:00Z\n");
        RunDirectory.resume(path, notes::add).close();
        assertFalse(Files.exists(lock));
        Path elsewhere = Files.writeString(directory.resolve("elsewhere"), "precious");
        Files.createSymbolicLink(lock, elsewhere);
        FramecastException e = assertThrows(FramecastException.class, () -> RunDirectory.resume(path, notes::add));
        assertTrue(e.getMessage().contains("Cannot write " + lock), e.getMessage());
        assertEquals("precious", Files.readString(elsewhere));
    }

    @Test
    void aRunThatDoesNotBeginLeavesNothing() throws IOException {
        Map<String, String> before = contents();
        create().close();
        RunDirectory locked = create();
        locked.lock();
        assertTrue(Files.exists(path.resolve(".lock")));
        locked.close();
        assertEquals(before, contents());
        // The checkpoint can be written, but not the files after it.
        Path config = Files.createDirectories(path.resolve("config.json/theirs"));
        before = contents();
        try (RunDirectory run = RunDirectory.create(path, true, notes::add)) {
            assertThrows(FramecastException.class, () -> run.trainingStarted(checkpoint(0, 0)));
        }
        assertEquals(before, contents());
        assertTrue(Files.isDirectory(config));
    }

    @Test
    void whatAKilledProcessWasWritingIsRemovedAndNothingElse() throws IOException {
        aRun();
        Files.createDirectories(path.resolve("gifs"));
        List<String> orphans = List.of(".config.json.1234567.part", ".steps.csv.aB_9-.part", ".metrics.csv.5.part",
                ".report.html.5.part", ".loss.png.5.part", "checkpoints/.last.safetensors.77.part",
                "checkpoints/.best.safetensors.78.part", "gifs/.video-12.gif.9.part");
        List<String> others = List.of(".y.npy.5.part", "config.json.part", ".config.json.part", "report.html.part",
                "checkpoints/last.safetensors.part", "checkpoints/.mine.part", ".part");
        for (String name : Stream.of(orphans, others).flatMap(List::stream).toList()) {
            Files.writeString(path.resolve(name), "half");
        }
        Files.createDirectory(path.resolve(".config.json.1.part"));
        Files.createSymbolicLink(path.resolve(".config.json.2.part"), path.resolve(".y.npy.5.part"));
        try (RunDirectory run = RunDirectory.resume(path, notes::add)) {
            assertTrue(Files.exists(path.resolve(orphans.get(0))), "not before the run goes on");
            run.trainingStarted(run.last());
        }
        for (String name : orphans) {
            assertFalse(Files.exists(path.resolve(name)), name);
        }
        for (String name : others) {
            assertTrue(Files.exists(path.resolve(name)), name);
        }
        assertTrue(Files.isDirectory(path.resolve(".config.json.1.part"))
                && Files.isSymbolicLink(path.resolve(".config.json.2.part")));
    }

    @Test
    void filesAreMendedWhenARunGoesOn() throws IOException {
        aRun();
        Map<String, String> whole = contents();
        Path steps = path.resolve("steps.csv");
        Path metrics = path.resolve("metrics.csv");
        Path config = path.resolve("config.json");
        Files.writeString(steps, Files.readString(steps) + "3,0.5,0.2500\n4");
        Files.delete(metrics);
        Files.writeString(config, "");
        goOn();
        assertEquals(whole.get("deep/run/steps.csv"), Files.readString(steps));
        assertEquals("epoch,loss,val_loss,lr,seconds\n", Files.readString(metrics));
        assertEquals(whole.get("deep/run/config.json"), Files.readString(config));
        assertEquals(2, notes.size(), notes.toString());
        assertTrue(notes.get(0).matches(".*steps.csv was mended: 1 line could not be used and was dropped\\."),
                notes.toString());
        assertTrue(notes.get(1).matches(
                ".*metrics.csv was mended: it was missing; it has no line for 2 of 2 epochs\\."),
                notes.toString());
    }

    private void goOn() {
        notes.clear();
        try (RunDirectory run = RunDirectory.resume(path, notes::add)) {
            Checkpoint last = run.last();
            run.describe(Map.of("seed", 1));
            run.trainingStarted(last);
        }
    }

    @Test
    void foreignFilesAreKeptAside() throws IOException {
        aRun();
        Map<String, String> whole = contents();
        Files.writeString(path.resolve("config.json"), "{\"theirs\": 1}");
        Files.delete(path.resolve("metrics.csv"));
        Files.createDirectories(path.resolve("metrics.csv/theirs"));
        Files.writeString(path.resolve("steps.csv"), "a diary\n");
        Files.writeString(path.resolve("steps.csv.kept-1"), "taken");
        goOn();
        assertEquals(5, notes.size(), "what was moved, and what is missing now: " + notes);
        assertEquals("{\"theirs\": 1}", Files.readString(path.resolve("config.json.kept-1")));
        assertTrue(Files.isDirectory(path.resolve("metrics.csv.kept-1/theirs")));
        assertEquals("a diary\n", Files.readString(path.resolve("steps.csv.kept-2")));
        assertEquals("taken", Files.readString(path.resolve("steps.csv.kept-1")));
        assertEquals(whole.get("deep/run/config.json"), Files.readString(path.resolve("config.json")));
        assertEquals("step,loss,seconds\n", Files.readString(path.resolve("steps.csv")));
    }

    @Test
    void aNewRunKeepsAsideAConfigThatIsNoRuns() throws IOException {
        Files.createDirectories(path);
        Files.writeString(path.resolve("config.json"), "[\"a program's settings\"]");
        try (RunDirectory run = create()) {
            run.trainingStarted(checkpoint(0, 0));
        }
        assertEquals(1, notes.size(), notes.toString());
        assertEquals("[\"a program's settings\"]", Files.readString(path.resolve("config.json.kept-1")));
    }

    @Test
    void tablesWithoutCheckpointsAreARunToo() throws IOException {
        aRun();
        Files.delete(RunDirectory.lastCheckpoint(path));
        FramecastException e = assertThrows(FramecastException.class, this::create);
        assertTrue(e.getMessage().contains("holds a run already"), e.getMessage());
    }

    @Test
    void whatARunIsStandsInItsCheckpointAndConfigAlike() throws IOException {
        aRun();
        JsonNode config = SafeTensorsFile.json(Files.readString(path.resolve("config.json")));
        assertEquals(1, config.get("seed").intValue());
        assertEquals(1, Checkpoint.read(RunDirectory.lastCheckpoint(path)).training().run().get("seed").intValue());
        // If the description of a resumed run differs, the checkpoint is written again before the first step.
        try (RunDirectory run = RunDirectory.resume(path, notes::add)) {
            run.last();
            run.describe(Map.of("seed", 2));
            run.trainingStarted(checkpoint(2, 2));
        }
        assertEquals(2, Checkpoint.read(RunDirectory.lastCheckpoint(path)).training().run().get("seed").intValue());
    }

    /** The checkpoint cannot be written: a directory has its name. */
    @Test
    void anEarlierRunStandsUntilANewOneIsWritten() throws IOException {
        aRun();
        Files.delete(RunDirectory.lastCheckpoint(path));
        Files.createDirectories(RunDirectory.lastCheckpoint(path));
        Files.writeString(RunDirectory.bestCheckpoint(path), "best");
        Map<String, String> before = contents();
        try (RunDirectory run = RunDirectory.create(path, true, notes::add)) {
            assertThrows(FramecastException.class, () -> run.trainingStarted(checkpoint(0, 0)));
        }
        assertEquals(before, contents());
    }
}
