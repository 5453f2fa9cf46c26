package io.framecast.tools;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.framecast.ChildJvm;
import io.framecast.device.Device;
import io.framecast.tools.check.stage.DeviceUnderTest;
import io.framecast.tools.check.stage.Outcome;
import io.framecast.tools.check.stage.Stage;
import io.framecast.tools.check.stage.StageLog;
import io.framecast.tools.check.stage.StageResult;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The acceptance of a device. */
class CheckCommandTest {

    private static final ObjectMapper MAPPER = new ObjectMapper();

    /** A kernel's name, in its definition or as the prefix of the names of its variants; not a macro's parameter. */
    private static final Pattern KERNEL = Pattern.compile(
            "__global__\\s+void\\s+(?:__launch_bounds__\\(.*?\\)\\)?\\s+)?(?!NAME|__)(\\w+)(?:##\\w+)?\\(");

    @TempDir
    Path directory;

    private static Map<String, JsonNode> stages(Path out) throws IOException {
        JsonNode json = MAPPER.readTree(out.resolve("check.json").toFile());
        Map<String, JsonNode> stages = new TreeMap<>();
        json.get("stages").forEach(stage -> stages.put(stage.get("stage").textValue(), stage));
        assertEquals(Stage.values().length, stages.size());
        return stages;
    }

    private static String outcome(JsonNode stage) {
        return stage.get("outcome").textValue();
    }

    @Test
    void theSoftwareDevicePasses() throws Exception {
        Cli.Result result = Cli.run("check --device softgpu --minutes 1 --out", directory);
        assertEquals(0, result.status(), result::toString);
        Map<String, JsonNode> stages = stages(directory);
        for (String stage : List.of("device", "kernels", "networks", "vendor")) {
            assertEquals("passed", outcome(stages.get(stage)), () -> stages.get(stage).toString());
        }
        for (String stage : List.of("speed", "peer", "sanitizer")) {
            assertEquals("skipped", outcome(stages.get(stage)));
            assertFalse(stages.get(stage).get("summary").textValue().isEmpty());
        }
        for (JsonNode stage : stages.values()) {
            assertTrue(result.out().contains(stage.get("stage").textValue()), result::toString);
        }
        // The page is well-formed and needs nothing beside it.
        Path page = directory.resolve("check.html");
        String html = Files.readString(page);
        assertNotNull(DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(page.toFile()));
        assertFalse(html.contains("<script") || html.contains("http"), "the page refers to something");
        assertEquals(Set.of("check.html", "check.json"), names(directory));
    }

    private static Set<String> names(Path directory) throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            return files.map(file -> file.getFileName().toString()).collect(Collectors.toCollection(TreeSet::new));
        }
    }

    /** With enough time, the stage of kernels launches every kernel there is but those of the vendors' convolutions. */
    @Test
    void everyKernelIsAmongThoseChecked() throws IOException {
        Path file = directory.resolve("kernels.jsonl");
        try (StageLog log = new StageLog(file, 3600, String::valueOf)) {
            Stage.KERNELS.run(new DeviceUnderTest(Device.SOFTGPU, CheckCommand.PROGRAM), log, directory);
        }
        StageResult result = StageResult.read("kernels", file, null, 0);
        assertEquals(Outcome.PASSED, result.outcome(), result.summary());
        assertTrue(result.checks().size() > 90, result.summary());
        Set<String> launched = result.tables().get(0).rows().stream().map(row -> row.get(0))
                .collect(Collectors.toSet());
        List<String> never = new ArrayList<>();
        try (Stream<Path> sources = Files.list(Path.of("../cuda-kernels"))) {
            for (Path source : sources.filter(path -> path.toString().endsWith(".cu")).toList()) {
                if (Set.of("pack.cu", "bias.cu", "transpose.cu").contains(source.getFileName().toString())) {
                    continue; // Around calls of cuDNN and cuBLAS.
                }
                KERNEL.matcher(Files.readString(source)).results().map(match -> match.group(1))
                        .filter(kernel -> launched.stream().noneMatch(name -> name.startsWith(kernel)))
                        .forEach(kernel -> never.add(source.getFileName() + ": " + kernel));
            }
        }
        assertEquals(List.of(), never, () -> "of " + launched);
    }

    @Test
    void aDeviceThatDoesNotOpenIsAFailureWithItsReason() throws Exception {
        String said = new ChildJvm().environment("FRAMECAST_NVRTC", directory)
                .environment("FRAMECAST_CACHE", directory.resolve("cache")).under("sh", "-c", "\"$@\"; echo status $?",
                "sh").run(Main.class, "check", "--device", "softgpu", "--minutes", "1", "--out",
                directory.resolve("out"));
        assertTrue(said.contains("status 1"), said);
        Map<String, JsonNode> stages = stages(directory.resolve("out"));
        assertEquals("failed", outcome(stages.get("device")));
        assertTrue(stages.get("device").get("summary").textValue().contains("FRAMECAST_NVRTC"),
                stages.get("device").toString());
        assertEquals("skipped", outcome(stages.get("kernels")));
        assertNotEquals("", stages.get("kernels").get("summary").textValue());
    }

    @Test
    void badOptionsAreRefused() throws IOException {
        Cli.run("check --minutes 0 --out", directory).refused(2, "--minutes");
        Path file = Files.writeString(directory.resolve("file"), "");
        Cli.run("check --device cpu --out", file).refused(1, file.toString());
    }
}
