package io.framecast.tools.check;

import io.framecast.files.JsonFiles;
import io.framecast.tools.check.stage.DeviceUnderTest;
import io.framecast.tools.check.stage.Outcome;
import io.framecast.tools.check.stage.Stage;
import io.framecast.tools.check.stage.StageResult;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * The files of a check: check.json for programs, check.html for people.
 *
 * @param directory where they are
 * @param version of this program
 * @param device that was checked
 * @param note a sentence on the choice of the device; may be empty
 */
public record CheckFiles(Path directory, String version, DeviceUnderTest device, String note) {

    /** The page for people. */
    public Path page() {
        return directory.resolve("check.html");
    }

    /**
     * Writes both, in the place of earlier ones.
     *
     * @param results of all stages, or of those so far
     * @param seconds that it has taken
     */
    public void write(List<StageResult> results, double seconds) {
        List<Object> stages = new ArrayList<>();
        for (StageResult result : results) {
            Map<String, Object> stage = new LinkedHashMap<>();
            stage.put("stage", result.stage());
            stage.put("title", Stage.valueOf(result.stage().toUpperCase(Locale.ROOT)).title());
            stage.put("outcome", result.outcome());
            stage.put("summary", result.summary());
            stage.put("seconds", result.seconds());
            stage.put("checks", result.checks());
            stage.put("tables", result.tables());
            stages.add(stage);
        }
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("framecast", version);
        json.put("device", device.option());
        json.put("time", Instant.now().truncatedTo(ChronoUnit.SECONDS).toString());
        json.put("note", note);
        json.put("outcome", isComplete(results) ? outcome(results) : "unfinished");
        json.put("seconds", seconds);
        json.put("stages", stages);
        JsonFiles.write(directory.resolve("check.json"), json);
        CheckPage.write(page(), "Framecast check: " + device.option(),
                verdict(results, seconds) + (note.isEmpty() ? "" : " " + note) + " Framecast " + version + ", "
                        + json.get("time") + ".", results);
    }

    /** Failed if a stage failed, or none passed. */
    public static Outcome outcome(List<StageResult> results) {
        return has(results, Outcome.FAILED) || isComplete(results) && !has(results, Outcome.PASSED) ? Outcome.FAILED
                : Outcome.PASSED;
    }

    private static boolean has(List<StageResult> results, Outcome outcome) {
        return results.stream().anyMatch(result -> result.outcome() == outcome);
    }

    private static boolean isComplete(List<StageResult> results) {
        return results.size() == Stage.values().length;
    }

    /** A sentence on all stages. */
    public String verdict(List<StageResult> results, double seconds) {
        String failed = results.stream().filter(result -> result.outcome() == Outcome.FAILED).map(StageResult::stage)
                .collect(Collectors.joining(", "));
        return String.format(Locale.ROOT, "%s%s, after %.0f s.", isComplete(results) ? "" : "Unfinished. ",
                !failed.isEmpty() ? "Failed: " + failed
                : has(results, Outcome.PASSED) ? "Nothing failed" : "Nothing was checked", seconds);
    }
}
