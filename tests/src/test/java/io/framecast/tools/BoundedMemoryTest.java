package io.framecast.tools;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.framecast.data.NpyVideos;
import io.framecast.train.SafeTensorsFile;
import io.framecast.video.TestVideo;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Long videos in a heap that is too small for one of them: as float32, each is a tenth larger than the heap. */
@Timeout(120)
class BoundedMemoryTest {

    private static final int HEAP = 32;
    private static final int FRAMES = 2_200;
    private static final int FRAME = 64 * 64;

    @TempDir
    static Path directory;
    private static Path videos;
    private static Path checkpoint;

    @BeforeAll
    static void prepare() throws IOException {
        // A sparse file, which takes little space on disk. Its first and last pixels are white.
        videos = Npy.write(directory.resolve("long.npy"), "|u1", "False", "(2, " + FRAMES + ", 64, 64)",
                new byte[] {(byte) 255});
        try (RandomAccessFile file = new RandomAccessFile(videos.toFile(), "rw")) {
            file.setLength(file.length() - 1 + 2L * FRAMES * FRAME);
            file.seek(file.length() - 1);
            file.write(255);
        }
        Path model = Workplace.write(directory.resolve("model.json"), """
                {"input": {"height": 64, "width": 64, "channels": 1}, "layers": [
                  {"type": "ConvLSTM2D", "filters": 1, "kernel_size": 3, "padding": "same"},
                  {"type": "Conv3D", "filters": 1, "kernel_size": 3, "activation": "sigmoid"}]}
                """);
        checkpoint = directory.resolve("init.safetensors");
        Cli.run("init --model", model, "--out", checkpoint).done();
    }

    private static String run(Object... arguments) throws Exception {
        Process process = ProcessTest.start(List.of(), HEAP, arguments);
        String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        process.waitFor();
        assertEquals(0, process.exitValue(), ProcessTest.errors(process));
        return out;
    }

    @Test
    void predictStreamsContextAndForecast() throws Exception {
        Path output = directory.resolve("y.npy");
        run("predict --layout nthw --context " + FRAMES / 2 + " --frames " + FRAMES + " --checkpoint", checkpoint,
                "--input", videos, "--output", output);
        assertEquals(2L * FRAMES * FRAME * Float.BYTES, Files.size(output) - 128);
    }

    @Test
    void teacherForcingStreamsWholeVideos() throws Exception {
        Path output = directory.resolve("forced.npy");
        run("predict --teacher-forced --layout nthw --checkpoint", checkpoint, "--input", videos, "--output", output);
        assertEquals(2L * FRAMES * FRAME * Float.BYTES, Files.size(output) - 128);
    }

    @Test
    void evaluateKeepsSumsAlone() throws Exception {
        Path json = directory.resolve("scores.json");
        run("evaluate --layout nthw --context " + FRAMES / 2 + " --frames " + FRAMES / 2 + " --checkpoint", checkpoint,
                "--data", videos, "--json", json);
        assertEquals(FRAMES / 2, SafeTensorsFile.json(Files.readString(json)).at("/model/ssim/per_frame").size());
    }

    @Test
    void gifsAndSheetsReadWhatTheyShow() throws Exception {
        Path gifs = directory.resolve("gifs");
        String out = run("gifs --layout nthw --count 1 --context " + (FRAMES - 10) + " --checkpoint", checkpoint,
                "--data", videos, "--out", gifs);
        assertTrue(out.contains("Of the " + (FRAMES - 10) + " frames seen, pictures show the last 20."), out);
        Path sheet = directory.resolve("sheet.png");
        out = run("data show --layout nthw --count 2 --out", sheet, videos);
        assertTrue(out.contains(" of " + FRAMES + " frames: the first, the last and evenly between"), out);
        BufferedImage image = ImageIO.read(sheet.toFile());
        assertTrue(image.getWidth() < 4200 && image.getHeight() < 1000, image.toString());
    }

    /** The clips are a third larger than the heap. */
    @Test
    void importStreams() throws Exception {
        int frames = 10_500;
        Path video = TestVideo.lossless(directory.resolve("long.mkv"), 64, 64, frames, (n, y, x, channel) -> n % 251);
        Path clips = directory.resolve("clips.npy");
        run("data import --frames 20 --out", clips, video);
        try (NpyVideos imported = NpyVideos.open(clips)) {
            assertEquals(frames / 20, imported.count());
            for (int k : new int[] {0, 300, frames / 20 - 1}) {
                assertEquals((20 * k + 7) % 251 / 255f, imported.get(k, 7, 8).values()[5], 1e-6);
            }
        }
    }
}
