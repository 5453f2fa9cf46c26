package io.framecast.tools;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.framecast.train.SafeTensorsFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DemoCommandTest {

    @TempDir
    Path directory;

    /** The demo's run is one of {@code framecast train} with the preset's recipe. */
    @Test
    void itsRunIsThatOfTheModelMotionAndGoesOn() throws IOException {
        Path demo = directory.resolve("demo");
        Cli.run("demo --threads 2 --videos 20 --epochs 1 --out", demo).done();
        assertTrue(Files.size(demo.resolve("videos.png")) > 0);
        Path run = directory.resolve("run");
        Cli.run("train --threads 2 --model motion --videos 20 --validation-split 0.05 --epochs 1 --out", run).done();
        assertSameCheckpoints(run, demo.resolve("run"));
        Cli.run("train --epochs 2 --resume", run).done();
        Cli.run("train --epochs 2 --resume", demo.resolve("run")).done();
        assertSameCheckpoints(run, demo.resolve("run"));
        assertEquals(SafeTensorsFile.json(Files.readString(run.resolve("config.json"))),
                SafeTensorsFile.json(Files.readString(demo.resolve("run/config.json"))));
    }

    private static void assertSameCheckpoints(Path expected, Path actual) {
        for (String name : List.of("best", "last")) {
            SafeTensorsFile.assertSame(expected.resolve("checkpoints/" + name + ".safetensors"),
                    actual.resolve("checkpoints/" + name + ".safetensors"));
        }
    }

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
        assertTrue(report.contains("what moving-mnist predicts, the trained model that comes with Framecast. Neither "
                + "has learned from these videos or their digits."));
        assertEquals(2, report.split("alt=\"Video ", -1).length - 1, "the two videos to validate with");
    }
}
