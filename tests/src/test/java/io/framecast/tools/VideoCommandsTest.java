package io.framecast.tools;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.framecast.data.NpyVideos;
import io.framecast.train.SafeTensorsFile;
import io.framecast.video.FrameReader;
import io.framecast.video.TestVideo;
import io.framecast.video.VideoSources;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Commands with video files in the place of .npy files. */
@Timeout(120)
class VideoCommandsTest {

    @TempDir
    Path directory;
    private Path videos;

    /** Three videos of counting frames of 16x16, and files that are none. */
    @BeforeEach
    void make() throws IOException {
        videos = Files.createDirectory(directory.resolve("videos"));
        for (int k = 1; k <= 3; k++) {
            TestVideo.counting(videos.resolve("v" + k + ".mkv"), 12);
        }
    }

    private Path model(int channels) {
        return Workplace.write(directory.resolve("model" + channels + ".json"), """
                {"input": {"height": 16, "width": 16, "channels": %d}, "layers": [
                  {"type": "ConvLSTM2D", "filters": 2, "kernel_size": 3, "padding": "same", "activation": "tanh"},
                  {"type": "Conv3D", "filters": %d, "kernel_size": 3, "activation": "sigmoid"}]}
                """.formatted(channels, channels));
    }

    private Path checkpoint(int channels) {
        Path file = directory.resolve("init" + channels + ".safetensors");
        Cli.run("init --seed 5 --model", model(channels), "--out", file).done();
        return file;
    }

    /** A phone's video: 48x80, 12 frames of red on the left and blue on the right. */
    private Path phone() {
        return TestVideo.mp4(directory.resolve("phone.mp4"), 48, 80, 12,
                (n, y, x, channel) -> channel == (x < 40 ? 0 : 2) ? 200 : 20);
    }

    private static List<String> lines(Cli.Result result) {
        return result.out().lines().toList();
    }

    @Test
    void importMakesOneFileAndAList() throws IOException {
        Path out = directory.resolve("clips.npy");
        Cli.Result result = Cli.run("data import --frames 4 --size 8x8 --clip-step 3 --out", out, videos).done();
        assertEquals(List.of("wrote " + out + ": 9 clips of 4 frames of 8x8x1, of 3 videos"), lines(result));
        assertEquals(3, SafeTensorsFile.json(Files.readString(directory.resolve("clips.clips.json"))).path("files")
                .size());
        List<String> info = lines(Cli.run("data info", out).done());
        assertEquals(out + ": 9 videos of 4 frames of 8x8x1, uint8, videos first", info.get(0));
        assertEquals("  " + videos.resolve("v2.mkv") + ": 16x16, 10.00 frames a second, 12 frames read, 3 clips",
                info.get(2));
        // The same clips as directly.
        List<String> direct = lines(Cli.run("data info --frames 4 --size 8x8 --clip-step 3", videos).done());
        assertEquals(info.subList(1, info.size()), direct.subList(1, direct.size()));
        Cli.run("data show --frames 4 --out", directory.resolve("sheet.png"), videos.resolve("v*.mkv")).done();
    }

    @Test
    void namesFilesThatCannotBeRead() throws IOException {
        Files.createFile(videos.resolve("empty.mp4"));
        Files.writeString(videos.resolve("text.avi"), "no video");
        Files.writeString(videos.resolve("notes.txt"), "no video");
        Cli.Result result = Cli.run("data info --frames 4", videos);
        assertEquals(0, result.status());
        assertTrue(result.out().contains("9 videos of 4 frames") && result.out().contains("text.avi: cannot be read"),
                result::toString);
        assertEquals(3, result.err().lines().count(), result::toString);
        assertTrue(result.err().contains("empty.mp4 is empty (0 bytes)") && result.err().contains("notes.txt"),
                result::toString);
        Cli.run("data info", videos.resolve("empty.mp4")).refused(1, "empty.mp4 is empty");
        // A link that leads back is not followed again.
        Files.createSymbolicLink(videos.resolve("back"), videos);
        assertTrue(Cli.run("data info --frames 4", videos).out().contains("9 videos of 4 frames"));
    }

    @Test
    void picturesOfAVideoHaveOneSize() throws IOException {
        Path pictures = Files.createDirectory(directory.resolve("pictures"));
        for (int k = 1; k <= 5; k++) {
            int size = k == 4 ? 24 : 16;
            ImageIO.write(new BufferedImage(size, size, BufferedImage.TYPE_BYTE_GRAY), "png",
                    pictures.resolve(k + ".png").toFile());
        }
        Cli.Result result = Cli.run("data info --frames 3", pictures);
        assertEquals(0, result.status());
        assertTrue(result.out().contains("1 video of 3 frames of 16x16x1"), result::toString);
        assertTrue(result.err().contains("after 3 frames") && result.err().contains("4.png is of 24x24"),
                result::toString);
    }

    @Test
    void saysWhatToDo() throws IOException {
        Path npy = Npy.write(directory.resolve("x.npy"), "|u1", "False", "(2, 3, 8, 8)", new byte[384]);
        Cli.run("data info --size 8x8", npy).refused(2, "--size", "are for video files");
        Cli.run("data info --layout nthw", videos).refused(2, "--layout and --scale are for .npy files");
        Cli.run("data info --gray --rgb", videos).refused(2, "exclude each other");
        Cli.run("data info --size 8", videos).refused(2, "such as 64x64, not 8");
        Cli.run("data info --fps 0", videos).refused(2, "--fps must be");
        phone();
        Path mixed = directory.resolve("*{phone.mp4,/v1.mkv}");
        Cli.run("data info --frames 4", mixed).refused(1, "48x80", "16x16", "--size 64x64");
        Cli.run("data info --frames 50", videos).refused(1, "None of 3 videos gives a clip of 50 frames",
                "has only 12 frames");
        Cli.run("data info", directory.resolve("none*.mp4")).refused(1, "No video matches");
        Cli.run("data info", Files.createDirectory(directory.resolve("nothing"))).refused(1, "it is empty");
        Cli.run("data import --frames 4 --out", videos.resolve("v1.mkv"), videos.resolve("v1.mkv")).refused(2,
                "would replace");
        Cli.run("predict --context 3 --checkpoint", checkpoint(1), "--input", phone(), "--output", phone()).refused(2,
                "would replace");
        Cli.run("predict --context 3 --like source --checkpoint", checkpoint(1), "--input", phone(), "--output",
                directory.resolve("y.npy")).refused(2, "--like source");
    }

    @Test
    void trainsByFileAndReadsVideosOnce() throws IOException {
        Path run = directory.resolve("run");
        Object[] train = {"--model", model(1), "--data", videos, "--out", run};
        Cli.Result first = Cli.run("train --frames 4 --steps 1 --validation-split 0.4", train).done();
        assertTrue(first.out().contains("data: " + videos + ": 9 videos of 4 frames of 16x16x1"), first::toString);
        assertTrue(first.out().contains("3 clips to validate with, of other videos than those to train on"),
                first::toString);
        Path clips = run.resolve("videos.npy");
        FileTime made = Files.getLastModifiedTime(clips);
        Cli.Result again = Cli.run("train --overwrite --frames 4 --steps 1 --validation-split 0.4", train).done();
        assertTrue(again.out().contains("clips: from " + clips), again::toString);
        assertEquals(made, Files.getLastModifiedTime(clips));
        // Other clips are made of the same videos, and of videos that have changed.
        assertTrue(Cli.run("train --overwrite --frames 6 --steps 1 --validation-split 0.4", train).done().out()
                .contains("6 videos of 6 frames"));
        TestVideo.counting(videos.resolve("v3.mkv"), 6);
        assertTrue(Cli.run("train --overwrite --frames 6 --steps 1 --validation-split 0.4", train).done().out()
                .contains("5 videos of 6 frames"));
        // Neither other videos nor another way to cut them take the place of the run's clips.
        byte[] own = Files.readAllBytes(clips);
        Cli.run("train --steps 2 --resume", run, "--data", videos.resolve("v1.mkv"))
                .refused(1, "does not have the videos");
        Cli.run("train --steps 2 --size 8x8 --resume", run).refused(2, "--size cannot change");
        Cli.run("train --size 8x8 --data generated").refused(2, "--size", "generated");
        assertArrayEquals(own, Files.readAllBytes(clips));
        // A run goes on with its clips, whatever has become of the videos.
        try (Stream<Path> files = Files.list(videos)) {
            for (Path file : files.toList()) {
                Files.delete(file);
            }
        }
        Cli.run("train --steps 2 --resume", run).done();
    }

    @Test
    void oneVideoIsSplitByTime() {
        Cli.Result result = Cli.run("train --frames 3 --clip-step 1 --steps 1 --validation-split 0.2 --model", model(1),
                "--data", videos.resolve("v1.mkv"), "--out", directory.resolve("run")).done();
        // Of 10 clips, 2 to validate with, from frame 8 on; those that begin with frames 6 and 7 have frame 8, too.
        assertTrue(result.out().contains("2 clips to validate with, of the end of the one video")
                && result.out().contains("training: 6 videos, 2 to validate"), result::toString);
    }

    @Test
    void comparisonsTakeTheModelsFrames() throws IOException {
        Path phone = phone();
        Cli.Result scores = Cli.run("evaluate --context 3 --frames 3 --checkpoint", checkpoint(3), "--data", phone)
                .done();
        assertTrue(scores.out().contains("2 videos of 6 frames of 16x16x3"), scores::toString);
        scores = Cli.run("evaluate --context 3 --frames 3 --stride 2 --checkpoint", checkpoint(1), "--data", phone)
                .done();
        assertTrue(scores.out().contains("1 video of 6 frames of 16x16x1"), scores::toString);
        // Truth, prediction and difference of colour videos are in colour.
        Path gifs = directory.resolve("gifs");
        Cli.run("gifs --context 2 --count 1 --checkpoint", checkpoint(3), "--data", phone, "--out", gifs).done();
        byte[] frame = frames(gifs.resolve("video-0.gif")).get(0);
        int red = 0;
        int blue = 0;
        for (int k = 0; k < frame.length; k += 3) {
            int difference = (frame[k] & 0xff) - (frame[k + 2] & 0xff);
            red += difference > 150 ? 1 : 0;
            blue += difference < -150 ? 1 : 0;
        }
        // The whole true frame, half of it red and half blue.
        assertTrue(red > 100 && blue > 100, red + " red and " + blue + " blue pixels");
    }

    private static FrameReader open(Path file) {
        return VideoSources.find(List.of(file.toString())).videos().get(0).open(null);
    }

    private static List<byte[]> frames(Path file) {
        try (FrameReader reader = open(file)) {
            byte[] frame = new byte[reader.info().height() * reader.info().width() * (reader.info().grey() ? 1 : 3)];
            List<byte[]> frames = new ArrayList<>();
            while (reader.read(frame)) {
                frames.add(frame.clone());
            }
            return frames;
        }
    }

    @Test
    void forecastsAreVideosAndPictures() throws IOException {
        Object[] predict = {"--checkpoint", checkpoint(3), "--input", phone(), "--output"};
        Path npy = directory.resolve("y.npy");
        String command = "predict --context 3 --frames 5";
        Cli.run(command, with(predict, npy)).done();
        float[] expected;
        try (NpyVideos forecast = NpyVideos.open(npy)) {
            assertEquals(List.of(1, 5, 16, 16, 3), List.of(forecast.count(), forecast.frames(), forecast.height(),
                    forecast.width(), forecast.channels()));
            expected = forecast.get(0, 4, 5).values();
        }
        Path pictures = directory.resolve("pictures");
        Cli.run(command, with(predict, pictures + "/")).done();
        byte[] last = frames(pictures.resolve("frame_0005.png")).get(0);
        assertEquals(expected.length, last.length);
        for (int k = 0; k < last.length; k++) {
            assertEquals(255 * expected[k], last[k] & 0xff, 0.501); // Rounded.
        }
        for (String name : List.of("y.mp4", "y.webm", "y.gif")) {
            Cli.run(command + " --like source --fps 5", with(predict, directory.resolve(name))).done();
            try (FrameReader reader = open(directory.resolve(name))) {
                // The square in the middle of 48x80.
                assertEquals(List.of(48, 48), List.of(reader.info().height(), reader.info().width()), name);
                assertEquals(5, reader.info().rate(), 1e-6, name);
            }
            assertEquals(5, frames(directory.resolve(name)).size(), name);
        }
    }

    private static Object[] with(Object[] words, Object last) {
        return Stream.concat(Stream.of(words), Stream.of(last)).toArray();
    }

    @Test
    void severalForecastsAreNumbered() throws IOException {
        Cli.run("predict --context 3 --frames 2 --checkpoint", checkpoint(1), "--input", videos, "--output",
                directory.resolve("y.gif")).done();
        assertEquals(2, frames(directory.resolve("y-3.gif")).size());
        assertFalse(Files.exists(directory.resolve("y.gif")) || Files.exists(directory.resolve("y-4.gif")));
        Cli.run("predict --context 3 --frames 2 --clip-step 5 --checkpoint", checkpoint(1), "--input",
                videos.resolve("v1.mkv"), "--output", directory + "/y/").done();
        assertEquals(2, frames(directory.resolve("y/2")).size());
    }

    /** The last frames of a video, and those of an array, are the first ones of a clip that begins there. */
    @Test
    void forecastsBeginWhereTheVideoEnds() throws IOException {
        Path video = videos.resolve("v1.mkv"); // Of 12 frames.
        Path clips = directory.resolve("clips.npy");
        Cli.run("data import --frames 3 --clip-step 9 --out", clips, video).done();
        Path whole = directory.resolve("whole.npy");
        Cli.run("data import --frames 12 --out", whole, video).done();
        Object[] predict = {"--checkpoint", checkpoint(1), "--output", directory.resolve("y.npy"), "--input"};
        Cli.run("predict --context 3 --frames 2", with(predict, clips)).done();
        float[] expected;
        try (NpyVideos forecasts = NpyVideos.open(directory.resolve("y.npy"))) {
            assertEquals(2, forecasts.count());
            expected = forecasts.get(1).values();
        }
        for (Path input : List.of(video, whole)) {
            Cli.run("predict --at-end --context 3 --frames 2", with(predict, input)).done();
            try (NpyVideos forecast = NpyVideos.open(directory.resolve("y.npy"))) {
                assertEquals(1, forecast.count());
                assertArrayEquals(expected, forecast.get(0).values(), input.toString());
            }
        }
        Cli.run("predict --at-end --clip-step 2", with(predict, video)).refused(2, "--clip-step");
        Cli.run("predict --at-end --teacher-forced", with(predict, video)).refused(2, "--teacher-forced");
    }

    @Test
    void replacesNothingThatItReads() throws IOException {
        Path pictures = directory.resolve("pictures");
        Cli.run("predict --context 3 --frames 4 --checkpoint", checkpoint(1), "--input", videos.resolve("v1.mkv"),
                "--output", pictures + "/").done();
        Path picture = pictures.resolve("frame_0002.png");
        byte[] before = Files.readAllBytes(picture);
        Object[] predict = {"--checkpoint", checkpoint(1), "--input", pictures, "--output"};
        Cli.run("predict --context 3", with(predict, pictures + "/")).refused(1, "not empty", "choose another");
        Cli.run("data show --frames 3", pictures, "--out", picture).refused(2, "would replace", "frame_0002.png");
        assertArrayEquals(before, Files.readAllBytes(picture));
        Path list = Files.writeString(directory.resolve("mine.clips.json"), "precious");
        Cli.run("data import --frames 4 --out", directory.resolve("mine.npy"), videos).refused(1, "is no such list");
        assertArrayEquals("precious".getBytes(), Files.readAllBytes(list));
        for (String other : new String[] {"x.avi", "x.png", "x.npz"}) {
            Path named = directory.resolve(other);
            Cli.run("predict --context 3", with(predict, named)).refused(2, other, ".mp4");
            Cli.run("data import --out", named, videos).refused(2, other, ".npy");
            assertFalse(Files.exists(named));
        }
    }

    @Test
    void whatWasThereStaysIfAForecastFails() throws IOException {
        Path output = Files.writeString(directory.resolve("y.mp4"), "earlier");
        Cli.run("predict --context 30 --checkpoint", checkpoint(1), "--input", phone(), "--output", output).refused(1,
                "has only 12 frames");
        assertArrayEquals("earlier".getBytes(), Files.readAllBytes(output));
    }
}
