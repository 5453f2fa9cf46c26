package io.framecast.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.framecast.FramecastException;
import io.framecast.train.MovingSquares;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntFunction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Axes in any order, given by the user or detected. */
class VideoLayoutTest {

    private static final Videos GREY = new MovingSquares(12, 20, 16, 20, 1);

    @TempDir
    private Path directory;

    /** Videos without the noise of {@link MovingSquares}: a square with very different values in its channels. */
    private record Colours(int count, int frames, int height, int width, int channels) implements Videos {
        @Override
        public Video get(int index) {
            float[] values = new float[frames * frameSize()];
            for (int i = 0; i < values.length; i++) {
                int frame = i / frameSize();
                int y = i / channels / width % height;
                int x = i / channels % width;
                int place = frame * (index % 3 + 1);
                boolean square = Math.floorMod(y - 5 * index - place, height) < 6
                        && Math.floorMod(x - 7 * index - place, width) < 8;
                values[i] = square ? (i % channels + 1f) / channels : 0;
            }
            return new Video(frames, height, width, channels, values);
        }
    }

    /** Videos computed by a function of their index. */
    private record Made(int count, int frames, int height, int width, int channels, IntFunction<Video> source)
            implements Videos {
        @Override
        public Video get(int index) {
            return source.apply(index);
        }
    }

    private static List<String> permutations(String letters) {
        if (letters.isEmpty()) {
            return List.of("");
        }
        List<String> all = new ArrayList<>();
        for (int k = 0; k < letters.length(); k++) {
            String others = letters.substring(0, k) + letters.substring(k + 1);
            for (String rest : permutations(others)) {
                all.add(letters.charAt(k) + rest);
            }
        }
        return all;
    }

    @ParameterizedTest
    @ValueSource(strings = {"nthwc", "nthw", "thwc", "thw"})
    void everyOrderOfAxesIsReadWhereverThePiecesEnd(String letters) {
        Videos videos = new MovingSquares(letters.contains("n") ? 3 : 1, 2, 4, 5, letters.contains("c") ? 2 : 1);
        for (String axes : permutations(letters)) {
            for (boolean fortranOrder : new boolean[] {false, true}) {
                Path file = ArrayFile.write(directory.resolve("v.npy"), videos, axes, fortranOrder);
                for (int piece : new int[] {4, 52, 1 << 18}) {
                    try (NpyVideos read = NpyVideos.open(file, new VideoLayout(axes), null, piece)) {
                        assertEquals(videos.count(), read.count());
                        for (int k = 0; k < videos.count(); k++) {
                            assertArrayEquals(videos.get(k).values(), read.get(k).values(), axes);
                        }
                        assertArrayEquals(videos.get(0).frames(1, 2).values(), read.get(0, 1, 2).values(), axes);
                        assertEquals(0.03, read.check(videos.count(), 2, (done, total) -> { }).least(), 0.02);
                    }
                }
            }
        }
    }

    /** Read pieces end within small gaps, which are read, and within large gaps, which are skipped. */
    @Test
    void framesThatLieFarApartAreReadAsThoseThatDoNot() {
        Videos videos = new MovingSquares(3, 3, 40, 50, 1);
        for (String axes : List.of("tnhw", "hwnt", "whtn", "htnw", "nwth")) {
            Path file = ArrayFile.write(directory.resolve("v.npy"), videos, axes, false);
            for (int piece : new int[] {1000, 9000}) {
                try (NpyVideos read = NpyVideos.open(file, new VideoLayout(axes), null, piece)) {
                    assertArrayEquals(videos.get(2).values(), read.get(2).values(), axes);
                }
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "auto", "nth", "nthww", "nthwx", "nthwcc", "n t h w"})
    void whatIsNoOrderOfAxesIsRefused(String axes) {
        String message = assertThrows(FramecastException.class, () -> new VideoLayout(axes)).getMessage();
        assertTrue(message.startsWith("\"" + axes + "\" is no order of axes; give t"), message);
    }

    @Test
    void aLayoutOfOtherAxesThanTheFileHasIsRefused() {
        Path file = ArrayFile.write(directory.resolve("v.npy"), GREY, "nthw", false);
        for (String axes : List.of("nthwc", "thw")) {
            String message = assertThrows(FramecastException.class,
                    () -> NpyVideos.open(file, new VideoLayout(axes), null)).getMessage();
            assertTrue(message.contains("(12, 20, 16, 20) of 4 axes, and not one of the layout " + axes), message);
        }
        Path colours = ArrayFile.write(directory.resolve("c.npy"), new Colours(1, 12, 16, 20, 3), "thwc", false);
        try (NpyVideos read = NpyVideos.open(colours, new VideoLayout("thw"), null)) { // Channels last may be left out.
            assertEquals("1 video of 12 frames of 16x20x3, float32, axes thwc", read.describe());
        }
    }

    @ParameterizedTest
    @CsvSource({"nthwc", "ntchw", "tnchw", "ncthw", "tnhwc"})
    void colourVideosAreRecognised(String axes) {
        Videos videos = new Colours(9, 12, 20, 24, 3);
        NpyVideos read = judged(videos, axes);
        assertEquals(!axes.equals("nthwc"), read.layoutGuess().isPresent(), "only what is not plain is told");
        assertArrayEquals(videos.get(7).values(), read.get(7).values());
    }

    @ParameterizedTest
    @CsvSource({"thwc, 3", "tchw, 3", "tchw, 4", "thwc, 1", "tchw, 1"})
    void aSingleClipIsRecognised(String axes, int channels) {
        Videos clip = new Colours(1, 30, 24, 32, channels);
        NpyVideos read = judged(clip, axes);
        assertTrue(read.layoutGuess().isPresent());
        assertArrayEquals(clip.get(0).values(), read.get(0).values());
    }

    @Test
    void theColoursOfOneClipComeFirst() {
        float[] grey = new MovingSquares(1, 30, 24, 32, 1).get(0).values();
        float[] values = new float[3 * grey.length];
        for (int i = 0; i < values.length; i++) { // Grey with a slight tint.
            values[i] = grey[i / 3] * (1 - i % 3 * 0.02f);
        }
        Videos clip = new Made(1, 30, 24, 32, 3, index -> new Video(30, 24, 32, 3, values));
        NpyVideos read = judged(clip, "cthw");
        assertEquals(VideoLayout.NTHW, read.layoutGuess().orElseThrow().other());
        assertArrayEquals(clip.get(0).values(), read.get(0).values());
        // A message about three videos, because the axis could be that of the channels.
        Videos three = new MovingSquares(3, 30, 24, 32, 1);
        read = judged(three, "nthw");
        assertEquals(new VideoLayout("cthw"), read.layoutGuess().orElseThrow().other());
        assertArrayEquals(three.get(2).values(), read.get(2).values());
    }

    /** Axes along which nothing changes are not taken as time. */
    @ParameterizedTest
    @CsvSource({"1, 20", "1, 200", "2, 20", "30, 20", "5, 300"})
    void oneVideoAndVideosThatAreAllAlikeArePlain(int count, int frames) {
        Videos one = new MovingSquares(1, frames, 16, 20, 1);
        Videos alike = new Made(count, frames, 16, 20, 1, index -> one.get(0));
        NpyVideos read = judged(alike, "nthw");
        assertFalse(read.layoutGuess().isPresent());
        assertEquals(VideoLayout.NTHW, read.layout());
    }

    @Test
    void videosOfThreeFramesAreNoColours() {
        Videos triplets = new Colours(30, 3, 24, 32, 1);
        NpyVideos read = judged(triplets, "nthw");
        assertFalse(read.layoutGuess().isPresent());
        assertArrayEquals(triplets.get(29).values(), read.get(29).values());
    }

    @Test
    void moreChannelsThanThereAreColoursAreTold() {
        NpyVideos read = judged(new Colours(5, 7, 12, 16, 9), "nthwc");
        assertEquals("5 videos of 7 frames of 12x16x9, float32, videos first", read.describe());
        assertEquals(new VideoLayout("ntchw"), read.layoutGuess().orElseThrow().other());
    }

    @Test
    void plainFilesAreReadAsTheyAreSaidToBeWithoutAWord() {
        for (Videos videos : List.of(GREY, new Colours(2, 2, 8, 8, 1), new MovingSquares(50, 20, 16, 16, 1))) {
            NpyVideos read = judged(videos, "nthw");
            assertFalse(read.layoutGuess().isPresent());
            assertEquals(VideoLayout.NTHW, read.layout());
        }
    }

    /** Moving MNIST with frames first, divided by 255, with an axis of channels, and cropped. */
    @ParameterizedTest
    @CsvSource({"tnhw, 64, 50", "tnhwc, 64, 50", "tnhw, 32, 50", "tnhw, 32, 12", "tnhwc, 32, 7", "tnhw, 48, 60"})
    void theOfficialFileIsRecognisedAfterItWasWorkedOn(String axes, int size, int count) {
        Videos whole = MovingMnist.training(count, 8);
        Videos cropped = new Made(count, whole.frames(), size, size, 1, index -> {
            float[] values = new float[whole.frames() * size * size];
            Video video = whole.get(index);
            for (int i = 0; i < values.length; i++) {
                int row = i / size % size + (64 - size) / 2;
                values[i] = video.values()[(i / size / size * 64 + row) * 64 + i % size + (64 - size) / 2];
            }
            return new Video(whole.frames(), size, size, 1, values);
        });
        NpyVideos read = judged(cropped, axes);
        assertEquals(count, read.count(), axes);
        assertEquals(size != 64, read.layoutGuess().isPresent(), "its shape is no choice");
        assertArrayEquals(cropped.get(count - 1).values(), read.get(count - 1).values());
        // In the usual order nothing changes.
        assertEquals(VideoLayout.NTHW, judged(cropped, "nthw").layout());
    }

    private NpyVideos judged(Videos videos, String axes) {
        return NpyVideos.open(ArrayFile.write(directory.resolve("v.npy"), videos, axes, false));
    }
}
