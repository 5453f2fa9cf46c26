package io.framecast.tools.check;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.framecast.FramecastException;
import io.framecast.tools.check.golden.Difference;
import io.framecast.tools.check.stage.Check;
import io.framecast.tools.check.stage.ChildProcess;
import io.framecast.tools.check.stage.Outcome;
import io.framecast.tools.check.stage.StageLog;
import io.framecast.tools.check.stage.StageResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a stage's process can do wrong: fail, hang, crash. */
class StageProcessTest {

    @TempDir
    Path directory;

    private StageResult result(double seconds, String failure, Consumer<StageLog> work) {
        Path file = directory.resolve("stage.jsonl");
        try (StageLog log = new StageLog(file, seconds, Throwable::getMessage)) {
            work.accept(log);
        }
        return StageResult.read("kernels", file, failure, 1);
    }

    @Test
    void theWorstDifferenceCountsAndOneBeyondItsBoundFails() {
        StageResult result = result(60, null, log -> {
            log.compare("good", () -> List.of(Difference.of("a", 1, 1.5, 1), Difference.of("b", 1, 1.2, 1)));
            log.compare("bad", () -> List.of(Difference.of("c", 1, 1, 0), Difference.of("d", 1, 1.2, 0.1)));
            log.compare("NaN", () -> List.of(Difference.of("e", 1, Double.NaN, 0.1), Difference.of("f", 1, 9, 0.1)));
            log.compare("nothing", List::of);
            log.check("broken", () -> {
                throw new FramecastException("It broke.");
            });
            log.check("not here", () -> StageLog.skip("there is none"));
        });
        assertEquals(Outcome.FAILED, result.outcome());
        assertEquals(List.of(Outcome.PASSED, Outcome.FAILED, Outcome.FAILED, Outcome.FAILED, Outcome.FAILED,
                Outcome.SKIPPED), result.checks().stream().map(Check::outcome).toList());
        assertEquals(0.5, result.checks().get(0).share(), 1e-12);
        assertTrue(result.checks().get(1).why().startsWith("d: expected 1.0, was 1.2"), result.checks().get(1).why());
        assertTrue(result.summary().contains("4 checks failed, first bad") && result.summary().contains("1 skipped"),
                result.summary());
    }

    @Test
    void withoutTimeNothingBeginsAndThatIsSaid() {
        StageResult result = result(-1, null, log -> log.check("late", () -> {
            throw new AssertionError("it began");
        }));
        assertEquals(Outcome.SKIPPED, result.outcome());
        assertEquals("1 left out for lack of time", result.summary());
    }

    @Test
    void whatRanWhenTheProcessEndedIsNamed() throws Exception {
        Path file = directory.resolve("stage.jsonl");
        result(60, null, log -> log.check("before", () -> { }));
        Files.writeString(file, Files.readAllLines(file).stream().limit(2).collect(Collectors.joining("\n", "",
                "\n{\"begin\":\"the crash\"}\n{\"chec")));
        StageResult result = StageResult.read("kernels", file, "ended with status 139", 1);
        assertEquals(Outcome.FAILED, result.outcome());
        Check last = result.checks().get(1);
        assertEquals("the crash", last.name());
        assertEquals("The process ended with status 139.", last.why());
    }

    @Test
    void aProcessThatHangsIsEndedWithItsChildren() {
        long begin = System.nanoTime();
        ChildProcess.Ended ended = ChildProcess.run(List.of("sh", "-c", "echo begun; sleep 600 & sleep 600"), 1);
        assertTrue(ended.timedOut());
        assertEquals("took too long and was ended", ended.failure());
        assertTrue(ended.output().startsWith("begun"), ended.output());
        assertTrue(System.nanoTime() - begin < 60e9);
    }

    @Test
    void howAProcessEndedIsSaid() {
        assertNull(ChildProcess.run(List.of("true"), 60).failure());
        assertEquals("ended with status 3 (no luck)",
                ChildProcess.run(List.of("sh", "-c", "echo much; echo no luck >&2; exit 3"), 60).failure());
        ChildProcess.Ended crashed = ChildProcess.run(List.of("sh", "-c", "kill -SEGV $$"), 60);
        assertEquals(139, crashed.status());
        assertFalse(crashed.timedOut());
        assertTrue(assertThrows(FramecastException.class, () -> ChildProcess.run(List.of("/no/program"), 60))
                .getMessage().startsWith("Cannot run /no/program"));
    }
}
