package io.framecast.tools.check.stage;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.framecast.text.Count;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * What a stage found.
 *
 * @param stage its name
 * @param outcome failed if one of its checks failed or its process did; skipped if nothing was checked
 * @param summary a line of text
 * @param seconds how long its process ran
 * @param checks the checks, in their order
 * @param tables what it measured
 */
public record StageResult(String stage, Outcome outcome, String summary, double seconds, List<Check> checks,
        List<Table> tables) {

    public StageResult {
        checks = List.copyOf(checks);
        tables = List.copyOf(tables);
    }

    /** A stage that was not tried. */
    public static StageResult skipped(String stage, String why) {
        return new StageResult(stage, Outcome.SKIPPED, why, 0, List.of(), List.of());
    }

    /**
     * Reads what a process has written by {@link StageLog}.
     *
     * @param failure how the process ended if not well, as the end of a sentence; null: it ended well
     */
    public static StageResult read(String stage, Path log, String failure, double seconds) {
        ObjectMapper mapper = new ObjectMapper();
        List<Check> checks = new ArrayList<>();
        List<Table> tables = new ArrayList<>();
        String running = null;
        String skipped = null;
        int late = 0;
        for (String line : lines(log)) {
            try {
                JsonNode json = mapper.readTree(line);
                if (json.has(StageLog.BEGIN)) {
                    running = json.get(StageLog.BEGIN).textValue();
                } else if (json.has(StageLog.CHECK)) {
                    checks.add(mapper.treeToValue(json.get(StageLog.CHECK), Check.class));
                    running = null;
                } else if (json.has(StageLog.TABLE)) {
                    tables.add(mapper.treeToValue(json.get(StageLog.TABLE), Table.class));
                } else if (json.has(StageLog.SKIPPED)) {
                    skipped = json.get(StageLog.SKIPPED).textValue();
                } else {
                    late = json.path(StageLog.END).intValue();
                }
            } catch (JsonProcessingException e) {
                // The last line of a process that was killed.
            }
        }
        if (failure != null) {
            checks.add(new Check(running == null ? "the stage's process" : running, Outcome.FAILED,
                    "The process " + failure + ".", null, null, 0));
        }
        if (skipped != null && checks.isEmpty()) {
            return new StageResult(stage, Outcome.SKIPPED, skipped, seconds, checks, tables);
        }
        return of(stage, seconds, checks, tables, late);
    }

    private static StageResult of(String stage, double seconds, List<Check> checks, List<Table> tables, int late) {
        long failed = count(checks, Outcome.FAILED);
        long passed = count(checks, Outcome.PASSED);
        long skipped = count(checks, Outcome.SKIPPED);
        List<String> parts = new ArrayList<>();
        if (failed > 0) {
            Check first = checks.stream().filter(check -> check.outcome() == Outcome.FAILED).findFirst().orElseThrow();
            parts.add(Count.of(failed, "check") + " failed, first " + first.name() + ": " + clause(first.why()));
        }
        if (passed > 0) {
            double share = checks.stream().filter(check -> check.outcome() == Outcome.PASSED)
                    .mapToDouble(Check::share).max().orElse(0);
            parts.add(Count.of(passed, "check") + " passed" + (share >= 0.005
                    ? String.format(Locale.ROOT, ", largest error %.0f %% of its bound", 100 * share) : ""));
        }
        if (skipped > 0) {
            Check first = checks.stream().filter(check -> check.outcome() == Outcome.SKIPPED).findFirst().orElseThrow();
            parts.add(skipped + " skipped (" + first.name() + ": " + clause(first.why()) + ")");
        }
        if (late > 0) {
            parts.add(late + " left out for lack of time");
        }
        Outcome outcome = failed > 0 ? Outcome.FAILED : passed > 0 ? Outcome.PASSED : Outcome.SKIPPED;
        return new StageResult(stage, outcome, parts.isEmpty() ? "nothing was checked" : String.join("; ", parts),
                seconds, checks, tables);
    }

    /** A sentence as a part of another. */
    private static String clause(String sentence) {
        return sentence.replaceFirst("\\.$", "");
    }

    private static long count(List<Check> checks, Outcome outcome) {
        return checks.stream().filter(check -> check.outcome() == outcome).count();
    }

    private static List<String> lines(Path log) {
        try {
            return Files.readAllLines(log);
        } catch (IOException e) {
            return List.of(); // The process ended before it wrote any.
        }
    }
}
