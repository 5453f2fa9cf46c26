package io.framecast.video;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.framecast.FramecastException;
import io.framecast.data.NpyVideos;
import io.framecast.data.VideoLayout;
import io.framecast.video.ClipIndex.Clip;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Timeout(60)
class ClipImportTest {

    @TempDir
    Path directory;

    private Path npy() {
        return directory.resolve("out/clips.npy");
    }

    private ClipIndex write(ClipSettings settings, String... names) {
        List<String> all = Arrays.stream(names).map(name -> directory.resolve(name).toString()).toList();
        return ClipImport.write(npy(), VideoSources.find(all), settings, (video, videos, clips) -> { });
    }

    private static ClipSettings clips(int frames, int step) {
        return new ClipSettings(frames, step, 0, 0, 0, 0, 1);
    }

    /** The numbers of the frames of each clip in the .npy file: frame n has the brightness 20 n. */
    private List<List<Integer>> numbers() {
        List<List<Integer>> clips = new ArrayList<>();
        try (NpyVideos videos = NpyVideos.open(npy(), new VideoLayout("nthwc"), null)) {
            for (int k = 0; k < videos.count(); k++) {
                float[] values = videos.get(k).values();
                int frame = videos.frameSize();
                clips.add(IntStream.range(0, videos.frames()).map(t -> Math.round(values[t * frame] * 255 / 20)).boxed()
                        .toList());
            }
        }
        return clips;
    }

    @ParameterizedTest
    @CsvSource({"4, 4, 0123 4567", "4, 3, 0123 3456 6789", "4, 1, 0123 1234 2345 3456 4567 5678 6789", "4, 7, 0123",
        "3, 4, 012 456", "10, 10, 0123456789"})
    void clipsBeginEveryStep(int frames, int step, String expected) throws IOException {
        TestVideo.counting(directory.resolve("x.mkv"), 10);
        ClipIndex index = write(clips(frames, step), "x.mkv");
        List<List<Integer>> all = Arrays.stream(expected.split(" ")).map(clip -> clip.chars().map(c -> c - '0').boxed()
                .toList()).toList();
        assertEquals(all, numbers());
        assertEquals(all.stream().map(clip -> new Clip(0, clip.get(0), clip.get(0) / 10.0)).toList(), index.clips());
        assertEquals(10, index.files().get(0).frames());
        assertEquals(index, ClipIndex.read(npy()).orElseThrow());
        // A header that NumPy reads: its length is a multiple of 64, and the data is all that follows.
        byte[] bytes = Files.readAllBytes(npy());
        int header = 10 + (bytes[8] & 0xff) + 256 * (bytes[9] & 0xff);
        assertEquals(0, header % 64);
        assertEquals(header + (long) all.size() * frames * 256, bytes.length);
    }

    @Test
    void oneClipReadsNoFurther() {
        TestVideo.counting(directory.resolve("x.mkv"), 10);
        assertEquals(3, write(clips(3, ClipSettings.ONE_CLIP), "x.mkv").files().get(0).frames());
        assertEquals(List.of(List.of(0, 1, 2)), numbers());
    }

    @Test
    void namesWhatIsLeftOutAndGoesOn() throws IOException {
        TestVideo.counting(directory.resolve("a.mkv"), 5);
        TestVideo.counting(directory.resolve("short.mkv"), 1);
        Files.createFile(directory.resolve("empty.mp4"));
        Files.writeString(directory.resolve("notes.txt"), "");
        VideoSources found = VideoSources.find(List.of(directory.toString()));
        assertEquals(List.of(directory.resolve("notes.txt")), found.ignored());
        ClipIndex index = write(clips(2, 2), "");
        assertEquals(List.of(2, 0, 0), index.files().stream().map(ClipIndex.VideoFile::clips).toList());
        assertTrue(index.files().get(1).problem().contains("is empty"));
        assertTrue(index.files().get(2).problem().contains("has only 1 frame, and a clip has 2."));
        byte[] before = Files.readAllBytes(npy());
        assertTrue(assertThrows(FramecastException.class, () -> write(clips(2, 2), "short.mkv", "empty.mp4"))
                .getMessage().startsWith("None of 2 videos gives a clip of 2 frames; the first: "));
        assertTrue(assertThrows(FramecastException.class, () -> write(clips(2, 2), "empty.mp4")).getMessage()
                .contains("is empty"));
        assertArrayEquals(before, Files.readAllBytes(npy()));
    }

    @Test
    void takesTheSizeAndTheColoursOfTheVideos() {
        TestVideo.counting(directory.resolve("grey.mkv"), 2);
        new TestVideo(TestVideo.RGB, 16, 16, 3, (n, y, x, c) -> 40 * n).write(directory.resolve("alike.mkv"), 2);
        new TestVideo(TestVideo.RGB, 16, 16, 3, (n, y, x, c) -> x == 3 && n == 1 ? 90 * c : 0)
                .write(directory.resolve("colour.mkv"), 2);
        new TestVideo(TestVideo.GREY, 18, 16, 1, TestVideo.COUNTING).write(directory.resolve("high.mkv"), 2);
        ClipSettings made = write(clips(2, 2), "grey.mkv", "alike.mkv").settings();
        assertEquals(List.of(16, 16, 1), List.of(made.height(), made.width(), made.channels()));
        assertEquals(3, write(clips(2, 2), "grey.mkv", "colour.mkv").settings().channels());
        String message = assertThrows(MixedSizesException.class, () -> write(clips(2, 2), "grey.mkv", "high.mkv"))
                .getMessage();
        assertTrue(message.contains("16x16") && message.contains("18x16"), message);
    }

    @Test
    void theKeyNamesFilesAndSettings() throws IOException {
        Path file = TestVideo.counting(directory.resolve("x.mkv"), 2);
        List<VideoSource> videos = VideoSources.find(List.of(file.toString())).videos();
        String key = ClipImport.key(videos, clips(2, 2));
        assertEquals(key, ClipImport.key(videos, clips(2, 2)));
        assertNotEquals(key, ClipImport.key(videos, clips(2, 1)));
        Files.setLastModifiedTime(file, FileTime.fromMillis(1000));
        assertNotEquals(key, ClipImport.key(videos, clips(2, 2)));
    }

    @Test
    void findsVideosInNaturalOrderEachOnce() throws IOException {
        for (String name : List.of("v/c10.mkv", "v/c9.MKV", "v/.hidden.mkv", "v/d/x%.mkv", "v/thumbnail.png",
                "w[1].mkv")) {
            Files.createDirectories(directory.resolve(name).getParent());
            Files.createFile(directory.resolve(name));
        }
        Files.createSymbolicLink(directory.resolve("v/again.mkv"), directory.resolve("v/c9.MKV"));
        assertEquals("again.mkv c10.mkv d/x%.mkv", names("v"));
        assertEquals("c10.mkv", names("v/c*.mkv"));
        assertEquals("w[1].mkv", names("w[1].mkv").replaceFirst("^.*/", ""));
        assertEquals("c10.mkv d/x%.mkv", names("v/**{c10,x%}.mkv"));
        for (String name : List.of("none.mkv", "v/*.avi")) {
            assertThrows(FramecastException.class, () -> names(name), name);
        }
        Files.createDirectory(directory.resolve("nothing"));
        assertTrue(assertThrows(FramecastException.class, () -> names("nothing")).getMessage().contains("it is empty"));
        assertFalse(VideoSources.isVideo(directory.resolve("x.npy").toString()));
    }

    private String names(String name) {
        Path base = directory.resolve("v");
        return String.join(" ", VideoSources.find(List.of(directory.resolve(name).toString())).videos().stream()
                .map(video -> base.relativize(video.path()).toString()).toList());
    }

    private static ClipIndex index(int frames, int step, int... clipsOfFiles) {
        List<ClipIndex.VideoFile> files = new ArrayList<>();
        List<Clip> clips = new ArrayList<>();
        for (int count : clipsOfFiles) {
            for (int k = 0; k < count; k++) {
                clips.add(new Clip(files.size(), (long) k * step, 0));
            }
            files.add(new ClipIndex.VideoFile("/" + files.size(), null, 0, count, null));
        }
        return new ClipIndex("", clips(frames, step), files, clips);
    }

    @ParameterizedTest
    @CsvSource({"0.1, 10 10 10 10 10 10 10 10 10 10, 9", "0.1, 5 80 15, 2", "0.1, 10 100, 0", "0.05, 100 100, 1",
        "0.3, 4 3 3, 2", "0.3, 1 1 1, 2", "0.5, 0 7 0 5, 3"})
    void noFileIsOnBothSides(double fraction, String sizes, int validating) {
        int[] counts = Arrays.stream(sizes.split(" ")).mapToInt(Integer::parseInt).toArray();
        ClipIndex index = index(4, 4, counts);
        ClipIndex.Sides sides = index.split(index.clips().size(), fraction);
        int[] expected = IntStream.range(0, index.clips().size()).filter(k -> index.clips().get(k).file() == validating)
                .toArray();
        assertArrayEquals(expected, sides.validation());
        assertEquals(index.clips().size() - expected.length, sides.training().length);
    }

    @Test
    void oneFileIsSplitByTimeWithoutCommonFrames() {
        ClipIndex index = index(4, 1, 20);
        ClipIndex.Sides sides = index.split(20, 0.2);
        assertArrayEquals(new int[] {16, 17, 18, 19}, sides.validation());
        // Clip 12 has the frames 12 to 15, and clip 16 begins with frame 16.
        assertArrayEquals(IntStream.rangeClosed(0, 12).toArray(), sides.training());
        assertArrayEquals(IntStream.range(0, 20).toArray(), index.split(20, 0).training());
        assertThrows(FramecastException.class, () -> index(30, 1, 10).split(10, 0.5));
    }
}
