package io.framecast.tools.check;

import io.framecast.FramecastException;
import io.framecast.files.AtomicFiles;
import io.framecast.tools.check.stage.ChildProcess;
import io.framecast.tools.check.stage.DeviceUnderTest;
import io.framecast.tools.check.stage.Outcome;
import io.framecast.tools.check.stage.Stage;
import io.framecast.tools.check.stage.StageResult;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * Runs the stages, each in a process of its own with a limit of time: none can hang or crash the rest, and one that
 * fails does not stop the others.
 */
public final class Acceptance {

    /** A stage begins no further check after its time, and its process is ended this much later. */
    private static final double GRACE_FACTOR = 0.5;
    private static final double GRACE_SECONDS = 45;

    /** The least time of a stage: that of starting a process and opening the device. */
    private static final double LEAST_SECONDS = 5;

    /** That of the first stage, without which the others are not tried, also on a busy machine. */
    private static final double FIRST_SECONDS = 60;

    private final DeviceUnderTest device;
    private final double seconds;
    private final Path directory;

    /**
     * @param seconds for all stages
     * @param directory for what stages write; exists
     */
    public Acceptance(DeviceUnderTest device, double seconds, Path directory) {
        this.device = device;
        this.seconds = seconds;
        this.directory = directory;
    }

    /** @param done is given all results so far when there is another */
    public List<StageResult> run(Consumer<List<StageResult>> done) {
        List<StageResult> results = new ArrayList<>();
        long begin = System.nanoTime();
        List<Stage> waiting = new ArrayList<>(List.of(Stage.values()));
        waiting.removeIf(stage -> stage.whyNot(device.device()).isPresent());
        for (Stage stage : Stage.values()) {
            Optional<String> whyNot = stage.whyNot(device.device());
            StageResult result;
            if (whyNot.isPresent()) {
                result = StageResult.skipped(stage.label(), whyNot.get());
            } else if (!isOpen(results)) {
                result = StageResult.skipped(stage.label(), "the device did not open");
            } else {
                // What earlier stages did not use is for the later ones.
                double left = seconds - (System.nanoTime() - begin) / 1e9;
                double share = left * stage.weight() / waiting.stream().mapToInt(Stage::weight).sum();
                result = run(stage, Math.max(results.isEmpty() ? FIRST_SECONDS : LEAST_SECONDS, share));
            }
            waiting.remove(stage);
            results.add(result);
            done.accept(List.copyOf(results));
        }
        return results;
    }

    /** Whether the first stage could open the device in any precision. */
    private static boolean isOpen(List<StageResult> results) {
        return results.isEmpty() || results.get(0).checks().stream().anyMatch(
                check -> check.outcome() == Outcome.PASSED && check.name().startsWith("the device opens"));
    }

    private StageResult run(Stage stage, double share) {
        Path log = directory.resolve(stage.label() + ".jsonl");
        long begin = System.nanoTime();
        String failure;
        try {
            Files.deleteIfExists(log);
            failure = ChildProcess.run(device.program().command("check-stage", stage.label(), "--device",
                    device.option(), "--seconds",
                    String.format(Locale.ROOT, "%.1f", share), "--out", directory.toString()),
                    share * (1 + GRACE_FACTOR) + GRACE_SECONDS).failure();
        } catch (IOException e) {
            throw AtomicFiles.cannotWrite(log, e);
        } catch (FramecastException e) {
            failure = "did not start: " + e.getMessage();
        }
        StageResult result = StageResult.read(stage.label(), log, failure, (System.nanoTime() - begin) / 1e9);
        try {
            Files.deleteIfExists(log);
        } catch (IOException e) {
            // It stays in the directory of the results.
        }
        return result;
    }
}
