package io.framecast.example;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.framecast.train.Checkpoint;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** README's section on the engine as a library. */
class ExampleTest {

    private static final Path SOURCE = Path.of("src/test/java/io/framecast/example/MovingSquareExample.java");

    @Test
    void readmeShowsTheExample() throws IOException {
        String source = Files.readString(SOURCE);
        String body = source.substring(source.indexOf("{\n\n") + 3, source.lastIndexOf("}"));
        String readme = Files.readString(Path.of("../README.md"));
        String section = readme.substring(readme.indexOf("\n## As a library\n"));
        int end = section.indexOf("\n## ", 1);
        assertTrue(section.substring(0, end).contains("\n" + body + "\n"), "README's example is not " + SOURCE);
    }

    @Test
    void theExampleRuns(@TempDir Path directory) {
        Path file = directory.resolve("squares.safetensors");
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        PrintStream before = System.out;
        try (PrintStream out = new PrintStream(bytes, true, StandardCharsets.UTF_8)) {
            System.setOut(out);
            MovingSquareExample.main(new String[] {file.toString()});
        } finally {
            System.setOut(before);
        }
        List<String> lines = bytes.toString(StandardCharsets.UTF_8).lines().toList();
        assertEquals(12, lines.size(), lines.toString());
        assertTrue(lines.get(0).matches("epoch 1: loss 0\\.\\d+"), lines.toString());
        assertEquals("4 frames of 256 values", lines.get(10));
        Matcher scores = Pattern.compile("squared error of a frame: ([\\d.]+), of repeating the last frame: ([\\d.]+)")
                .matcher(lines.get(11));
        assertTrue(scores.matches(), lines.get(11));
        // The model has learnt that the squares move: its error is below half of that of repeating the last frame.
        assertTrue(Double.parseDouble(scores.group(1)) < Double.parseDouble(scores.group(2)) / 2, lines.get(11));
        assertEquals(16, Checkpoint.read(file).model().input().height());
    }
}
