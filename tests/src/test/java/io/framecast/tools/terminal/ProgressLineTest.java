package io.framecast.tools.terminal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.framecast.tools.Workplace;
import io.framecast.train.StepMetrics;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Progress bars on a terminal. */
@Timeout(60)
class ProgressLineTest {

    @TempDir
    Path directory;

    /**
     * The output of a command on a terminal with the given number of columns, split at line breaks and carriage
     * returns.
     */
    private List<String> onTerminal(String columns, String command) throws Exception {
        assumeTrue(Files.isExecutable(Path.of("/usr/bin/script")), "there is no script(1) to make a terminal");
        ProcessBuilder script = new ProcessBuilder("/usr/bin/script", "-qec", columns + "exec " + command, "/dev/null")
                .redirectErrorStream(true);
        // In the environment, not in the command: a shell parses the command, and the project's path may contain any
        // characters.
        script.environment().put("CLASSPATH", System.getProperty("java.class.path"));
        Process process = script.start();
        process.getOutputStream().close();
        String all = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertTrue(process.waitFor(30, TimeUnit.SECONDS));
        assertEquals(0, process.exitValue(), all);
        assertFalse(all.contains("\u001b"), all);
        return Arrays.asList(all.split("[\r\n]+"));
    }

    /** 0 columns: a terminal whose size was not set. */
    @ParameterizedTest
    @CsvSource({"'stty cols 40; ', 40", "'stty cols 80; ', 80", "'stty cols 132; ', 132", "'stty cols 0; ', 80"})
    void aBarIsAsWideAsTheTerminalAndEndsWhereTheStepsDo(String stty, int columns) throws Exception {
        Workplace work = Workplace.in(directory);
        // 7 videos to train on: four steps of two, and the second epoch ends after one of them.
        List<String> said = onTerminal(stty, String.join(" ", Path.of(System.getProperty("java.home"), "bin", "java")
                .toString(), "-Xmx256m", "io.framecast.tools.Main",
                "train --device cpu --threads 1 --steps 5 --batch-size 2 --data",
                work.data().toString(), "--model", work.model().toString(), "--out", work.file("run").toString()));
        List<String> bars = said.stream().filter(line -> line.matches("epoch \\d +\\d+%.*")).toList();
        bars.forEach(bar -> assertEquals(columns - 1, bar.length(), bar));
        for (String epoch : List.of("epoch 1 100% [.*\\] 4/4 \\(.*", "epoch 2 100% [.*\\] 1/1 \\(.*")) {
            String pattern = epoch.replace("% [", "% \\[");
            assertTrue(bars.stream().anyMatch(bar -> bar.matches(pattern)), () -> pattern + " in " + said);
        }
        assertEquals(2, said.stream().filter(line -> line.matches("epoch \\d  loss .*")).count(), said::toString);
    }

    @Test
    void aShorterLineCoversALongerOneAndNoneIsWiderThanTheTerminal() {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        ProgressLine line = new ProgressLine(new PrintStream(bytes, true, StandardCharsets.UTF_8));
        int room = line.getMaxRenderedLength();
        assertTrue(room >= 19);
        line.accept("x".repeat(room + 5));
        line.accept("ab");
        line.close();
        assertEquals("\r" + "x".repeat(room) + "\rab" + " ".repeat(room - 2) + System.lineSeparator(),
                bytes.toString(StandardCharsets.UTF_8));
    }

    @Test
    void narrowTerminalsLeaveFiguresOutNotTheBar() {
        StepMetrics step = new StepMetrics(1, 0.5, 0.001, 2, 0.1);
        assertEquals("", TerminalProgress.figures(step, 20, 40));
        assertEquals(" loss 0.5000  20.0 videos/s", TerminalProgress.figures(step, 20, 80));
        assertEquals(" loss 0.5000  lr 0.0010  20.0 videos/s", TerminalProgress.figures(step, 20, 120));
    }
}
