package io.framecast.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.framecast.FramecastException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RunTableTest {

    private static final String STEPS = "step,loss,seconds\n1,0.7,0.1000\n2,0.6,0.1000\n3,0.5,0.1000\n";
    private static final String METRICS = "epoch,loss,val_loss,lr,seconds\n"
            + "1,0.7,,0.001,1.0000\n2,0.6,0.8,0.001,1.0000\n";

    @TempDir
    Path directory;
    private final List<String> notes = new ArrayList<>();

    private List<Long> numbers(RunTable table, String content) throws IOException {
        Files.writeString(table.in(directory), content, StandardCharsets.ISO_8859_1);
        return table.read(directory, notes::add).stream().map(RunTable.Row::number).toList();
    }

    /** A change of the file, how many lines it loses, and which steps remain. */
    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "step,loss,seconds\\n1,0.7,0.1000\\n2,0.6,0.1000\\n | 0 | 1 2",
        "step,loss,seconds\\n1,0.7,0.1000\\n3           | 1 | 1",
        "step,loss,seconds\\n1,0.7,0.1000\\n1\\n        | 1 | 1",
        "step,loss,seconds\\n1,x\\n2,0.6,0.1000\\n      | 1 | 2",
        "step,loss,seconds\\n1,0.7,0.1000\\n2,0.6,0.1   | 1 | 1",
        "step,loss,seconds\\n1,0.7,0.1000\\n2,0.6,0.1000| 0 | 1 2",
        "step,loss,seconds\\r\\n1,0.7,0.1\\r\\n2,0.6,1\\r\\n | 0 | 1 2",
        "step,loss,seconds\\n1,0.7,0.1000,9\\n,,\\n-1,1,1\\n0,1,1\\n1.5,1,1\\n99999999999999999999,1,1\\n7,,1\\n | 7 | ''",
        "1,0.7,0.1000\\n2,0.6,0.1000\\n                 | 0 | 1 2",
        "loss,seconds\\n1,0.7,0.1000\\n                 | 1 | 1",
        "step,loss,seconds\\n1,0.7,0.1\\n32,0.6,0.1\\n3,0.5,0.1\\n4,0.5,0.1\\n | 1 | 1 3 4",
        "step,loss,seconds\\n1,1,1\\n2,1,1\\n1,1,1\\n2,1,1\\n3,1,1\\n | 2 | 1 2 3",
        "step,loss,seconds\\n1,1,1\\n1,1,1\\n2,1,1\\n2,1,1\\n3,1,1\\n | 2 | 1 2 3",
        "step,loss,seconds\\n1,NaN,0.1\\n2,inf,0.1\\n3,-Infinity,0.1\\n4,nan,0.1\\n | 0 | 1 2 3 4",
        "step,loss,seconds\\n\\0\\0\\0\\0\\n2,\u00ff,1\\n\\n\\n3,1,1\\n | 2 | 3",
        "'' | 0 | ''",
        "step,lo | 1 | ''"})
    void linesThatSayNothingAreLeftOutAndCounted(String content, int lost, String steps) throws IOException {
        String text = content.replace("\\n", "\n").replace("\\r", "\r").replace("\\0", "\0");
        assertEquals(steps, String.join(" ", numbers(RunTable.STEPS, text).stream().map(String::valueOf).toList()));
        assertEquals(lost == 0 ? 0 : 1, notes.size(), notes.toString());
        assertTrue(lost == 0 || notes.get(0).contains("steps.csv: " + lost + " line"), notes.toString());
    }

    @Test
    void valuesComeAsTheyAre() throws IOException {
        Files.writeString(RunTable.METRICS.in(directory), METRICS + "3,Infinity,NaN,1.0E-4,2.5\n");
        List<RunTable.Row> rows = RunTable.METRICS.read(directory, notes::add);
        assertTrue(rows.get(0).isEmpty(2) && !rows.get(1).isEmpty(2) && !rows.get(2).isEmpty(2));
        assertArrayEquals(new double[] {3, Double.POSITIVE_INFINITY, Double.NaN, 1e-4, 2.5},
                new double[] {rows.get(2).number(), rows.get(2).value(1), rows.get(2).value(2), rows.get(2).value(3),
                    rows.get(2).value(4)});
        assertEquals(List.of(), notes);
        assertThrows(FramecastException.class, () -> RunTable.STEPS.read(directory, notes::add));
    }

    /** Random changes give no exception, and no row that was not in the file. */
    @Test
    void mutatedTablesAreReadAndMended() throws IOException {
        Random random = new Random(5);
        for (int k = 0; k < 600; k++) {
            RunTable table = k % 2 == 0 ? RunTable.STEPS : RunTable.METRICS;
            StringBuilder text = new StringBuilder(k % 2 == 0 ? STEPS : METRICS);
            for (int change = random.nextInt(4); change >= 0 && text.length() > 0; change--) {
                int at = random.nextInt(text.length());
                switch (random.nextInt(5)) {
                    case 0 -> text.setLength(at);
                    case 1 -> text.deleteCharAt(at);
                    case 2 -> text.insert(at, (char) random.nextInt(256));
                    case 3 -> text.setCharAt(at, ",\n.1-\0x".charAt(random.nextInt(7)));
                    default -> text.insert(at, text.substring(at));
                }
            }
            List<Long> numbers = numbers(table, text.toString());
            assertEquals(numbers.stream().sorted().distinct().toList(), numbers, text::toString);
            List<String> lines = Arrays.asList(text.toString().split("[\r\n]"));
            table.read(directory, notes::add).forEach(row -> assertTrue(lines.contains(row.line()), text::toString));

            List<String> kept = new ArrayList<>();
            table.mend(directory, 2, notes::add, kept::add);
            String mended = Files.readString(table.in(directory), StandardCharsets.ISO_8859_1);
            assertEquals(table.header() + "\n" + kept.stream().map(line -> line + "\n").reduce("", String::concat),
                    mended);
            notes.clear();
            assertTrue(numbers(table, mended).stream().allMatch(number -> number <= 2), text::toString);
            assertEquals(List.of(), notes, "nothing is left to be said of " + mended);
        }
    }
}
