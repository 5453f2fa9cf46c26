package io.framecast.tools;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DemoCommandTest {

    @TempDir
    Path directory;

    /** The same videos are predicted by the demo's model and by the one that comes with the program. */
    @Test
    void itsReportShowsItsOwnModelBesideTheTrainedOne() throws IOException {
        Cli.Result result = Cli.run("demo --videos 40 --epochs 1 --out", directory.resolve("demo")).done();
        Matcher title = Pattern.compile("trained \\d+ (s|min)").matcher(result.out());
        assertTrue(title.find(), result::toString);
        assertTrue(result.out().matches("(?s).*\\n +" + title.group() + " +moving-mnist +repeat the frame\\n.*"),
                result::toString);
        String report = Files.readString(directory.resolve("demo/run/report.html"));
        String row = "<tr><th scope=\"row\">1</th>(<td>[\\d.]+</td>){6}</tr>";
        assertTrue(Pattern.compile(row).matcher(report).find(), "a row of three MSEs and three SSIMs");
        assertTrue(report.contains("<th scope=\"col\">MSE " + title.group()
                + "</th><th scope=\"col\">MSE moving-mnist"),
                report);
        assertTrue(report.contains("what moving-mnist predicts, the model that comes with Framecast, which was trained "
                + "for much longer. Neither has learned from these videos or their digits."));
        assertEquals(2, report.split("alt=\"Video ", -1).length - 1, "the two videos to validate with");
    }
}
