package io.framecast.tools;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.framecast.train.MovingSquares;
import io.framecast.train.SafeTensorsFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Users' files: the command prints how it interprets them, and options change that. */
class OwnVideosTest {

    @TempDir
    Path directory;
    private Workplace work;
    private Path checkpoint;

    @BeforeEach
    void prepare() {
        work = Workplace.in(directory);
        checkpoint = work.init();
    }

    /** Moving squares as a mask of 0 and 1: 8 videos of 5 frames of 6x10. */
    private static byte[] mask() {
        byte[] mask = new byte[8 * 5 * 60];
        for (int k = 0; k < 8; k++) {
            float[] values = Workplace.VIDEOS.get(k).values();
            for (int i = 0; i < values.length; i++) {
                mask[k * values.length + i] = (byte) (values[i] > 0.5f ? 1 : 0);
            }
        }
        return mask;
    }

    private static void assertTold(Cli.Result result, String kind, String... says) {
        assertEquals(0, result.status(), result::toString);
        assertEquals(1, result.err().lines().count(), result::toString);
        assertTrue(result.err().startsWith("framecast: " + kind + ": "), result::toString);
        for (String part : says) {
            assertTrue(result.err().contains(part), () -> "\"" + part + "\" expected of " + result);
        }
    }

    private float[] predicted(Path input, String options, String... warning) {
        Path output = work.file("y.npy");
        Cli.Result result = Cli.run("predict --context 3 --frames 2 " + options + "--checkpoint", checkpoint, "--input",
                input, "--output", output);
        if (warning.length == 0) {
            result.done();
        } else {
            assertTold(result, "warning", warning);
        }
        return Npy.read(output).values();
    }

    @Test
    void aMaskOfBytesIsWarnedOfByEveryCommandAndReadOnItsScale() {
        String shape = "(8, 5, 6, 10)";
        Path mask = Npy.write(work.file("mask.npy"), "|u1", "False", shape, mask());
        Path bool = Npy.write(work.file("bool.npy"), "|b1", "False", shape, mask());
        String[] says = {mask.toString(), "is 1, where white is 255", "all but black", "--scale 0..1"};
        assertTold(Cli.run("data info", mask), "warning", says);
        assertTold(Cli.run("data show --out", work.file("s.png"), mask), "warning", says);
        assertTold(Cli.run("evaluate --context 3 --checkpoint", checkpoint, "--data", mask), "warning", says);
        assertTold(Cli.run("gifs --context 3 --count 1 --checkpoint", checkpoint, "--data", mask, "--out",
                work.file("g")), "warning", says);
        assertTold(Cli.run("train --steps 1 --model", work.model(), "--data", mask, "--out", work.file("r")), "warning",
                says);
        float[] black = predicted(mask, "", says);
        float[] white = predicted(mask, "--scale 1 ");
        assertArrayEquals(predicted(bool, ""), white);
        assertArrayEquals(predicted(mask, "--scale 0..1 "), white);
        assertFalse(java.util.Arrays.equals(black, white));
        assertTrue(Cli.run("data info --scale 1", mask).done().out().contains("from 0.000 to 1.000"));
    }

    @Test
    void aRunKeepsItsScaleAndLayoutWhenItResumes() throws IOException {
        byte[] turned = new byte[mask().length];
        for (int k = 0; k < turned.length; k++) { // n, t, image to t, image, n
            turned[k / 300 + k % 300 * 8] = mask()[k];
        }
        Path file = Npy.write(work.file("turned.npy"), "|u1", "False", "(5, 6, 10, 8)", turned);
        Path run = work.file("run");
        Cli.run("train --steps 1 --scale 1 --layout thwn --validation-split 0 --model", work.model(), "--data", file,
                "--out", run).done();
        Cli.run("train --steps 2 --resume", run).done();
        JsonNode options = SafeTensorsFile.json(Files.readString(run.resolve("config.json"))).get("options");
        assertEquals("1", options.get("scale").textValue());
        assertEquals("thwn", options.get("layout").textValue());
        Path whole = work.file("whole");
        Path mask = Npy.write(work.file("bool.npy"), "|b1", "False", "(8, 5, 6, 10)", mask());
        Cli.run("train --steps 2 --validation-split 0 --model", work.model(), "--data", mask, "--out", whole).done();
        SafeTensorsFile.assertSame(whole.resolve("checkpoints/last.safetensors"),
                run.resolve("checkpoints/last.safetensors"));
        Cli.run("train --scale 0..2 --resume", run).refused(1, "other pixels");
    }

    @Test
    void whatAxesWereTakenForIsSaidWithTheWayToSayOtherwise() {
        Path colours = Npy.write(work.file("colours.npy"), new MovingSquares(4, 5, 16, 20, 3));
        float[] values = Npy.read(colours).values();
        float[] first = new float[values.length];
        for (int k = 0; k < values.length; k++) {
            first[k / 960 * 960 + k % 3 * 320 + k % 960 / 3] = values[k];
        }
        Path file = Npy.write(work.file("first.npy"), "(4, 5, 3, 16, 20)", first);
        Cli.Result info = Cli.run("data info", file);
        assertTold(info, "note", "(4, 5, 3, 16, 20) is taken for 4 videos of 5 frames of 16x20x3 (axes ntchw)",
                "--layout nthwc");
        List<String> expected = Cli.run("data info", colours).done().out().lines().skip(1).toList();
        assertEquals(expected, info.out().lines().skip(1).toList());
        assertEquals(expected, Cli.run("data info --layout NTCHW", file).done().out().lines().skip(1).toList());
        assertTrue(Cli.run("data info --layout nthwc", file).done().out().contains("of 3x16x20, float32"));
        Path clip = Npy.write(work.file("clip.npy"), "(20, 16, 20, 3)", values);
        assertTold(Cli.run("data info", clip), "note", "1 video of 20 frames of 16x20x3 (axes thwc)", "--layout nthw");
    }

    @Test
    void wideNumbersAreReadAndTheirScaleIsSaid() {
        byte[] data = new byte[2 * 8 * 5 * 60];
        byte[] mask = mask();
        for (int k = 0; k < mask.length; k++) { // Big-endian: 1023 is 0x3ff
            data[2 * k] = (byte) (mask[k] * 3);
            data[2 * k + 1] = (byte) (mask[k] * 255);
        }
        Path file = Npy.write(work.file("wide.npy"), ">u2", "False", "(8, 5, 6, 10)", data);
        assertTold(Cli.run("data info", file), "note",
                "uint16 numbers: 0 is taken for black and 1023, the largest in the file, for white", "--scale");
        Path bool = Npy.write(work.file("bool.npy"), "|b1", "False", "(8, 5, 6, 10)", mask);
        assertArrayEquals(predicted(bool, ""), predicted(file, "--scale 1023 "));
    }

    @Test
    void overshootIsClippedAndCounted() {
        float[] values = Npy.read(work.data()).values();
        values[7] = 1.0004f;
        values[8] = -0.02f;
        Path over = Npy.write(work.file("over.npy"), "(8, 5, 6, 10)", values);
        values[7] = 1;
        values[8] = 0;
        Path clipped = Npy.write(work.file("clipped.npy"), "(8, 5, 6, 10)", values);
        assertArrayEquals(predicted(clipped, ""), predicted(over, "",
                "2 of 1440 values a little outside 0..1", "from -0.02 to 1.0004", "black and white"));
    }

    @Test
    void blackVideosAreSaidToBeBlack() {
        float[] values = new float[8 * 5 * 60];
        Path black = Npy.write(work.file("black.npy"), "(8, 5, 6, 10)", values);
        assertTold(Cli.run("data info", black), "warning",
                "all values of " + black + " are 0: there is nothing to see");
        values[0] = -0.01f;
        Npy.write(black, "(8, 5, 6, 10)", values);
        Cli.Result info = Cli.run("data info", black);
        assertEquals(0, info.status());
        assertTrue(info.err().contains("are 0 or below: there is nothing to see"), info::toString);
        // The message says that only the values that are used were checked.
        values[3 * 60] = 0.5f;
        Npy.write(black, "(8, 5, 6, 10)", values);
        values[0] = 0;
        predicted(Npy.write(black, "(8, 5, 6, 10)", values), "", black + ", of the frames used, are 0");
    }

    @Test
    void aDemoThatCannotBeginLeavesNothing() {
        Cli.run("demo --threads 99999 --out", work.file("demo")).refused(2, "--threads");
        assertFalse(Files.exists(work.file("demo")));
    }
}
