package io.framecast.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.framecast.FramecastException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Reading into an array gives the values of {@code get}, bit for bit, and changes nothing else in the array. */
class VideosReadTest {

    private static final Videos NUMBERED = new NumberedVideos(4, 5, 3, 4, 2);

    @TempDir
    private static Path directory;

    @ParameterizedTest
    @ValueSource(strings = {"nthwc", "tnhwc", "ntchw", "nhwct", "cwhtn"})
    void floatsOfAFileWhateverItsAxes(String axes) {
        Path file = ArrayFile.write(directory.resolve(axes + ".npy"), NUMBERED, axes, false);
        for (int piece : new int[] {4, 52, 1 << 18}) {
            try (NpyVideos videos = NpyVideos.open(file, new VideoLayout(axes), new Scale(0, 3060), piece)) {
                assertReadsWhatGetGives(videos);
                assertEquals(NumberedVideos.value(3, 2, 7) / 3060, videos.get(3).values()[2 * 24 + 7], 1e-7);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"|u1", "|i1", "|b1"})
    void bytesOfAFile(String descr) {
        byte[] bytes = new byte[3 * 2 * 16 * 16];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = (byte) (i * 7);
        }
        Path file = ArrayFile.write(directory.resolve("bytes.npy"), descr, false, "(2, 3, 16, 16)", bytes);
        for (String scale : new String[] {"-128..255", "-130..257", "0..0.99"}) {
            Scale given = Scale.of(scale);
            if (given.takes(-128) && given.takes(255) || descr.equals("|b1")) {
                try (NpyVideos videos = NpyVideos.open(file, VideoLayout.TNHW, given)) {
                    assertReadsWhatGetGives(videos);
                    for (int i = 0; i < 256; i++) { // The first frame of video 2: bytes 512 to 767.
                        int raw = bytes[512 + i];
                        float value = descr.equals("|b1") ? raw == 0 ? 0 : 1 : descr.equals("|u1") ? raw & 255 : raw;
                        float expected = (float) ((value - given.black()) / (given.white() - given.black()));
                        assertEquals(Math.min(expected, 1), videos.get(2).values()[i], 0f);
                    }
                }
            }
        }
    }

    @Test
    void aValueThatTheScaleDoesNotTakeIsRefusedByItsFrame() {
        byte[] bytes = new byte[2 * 3 * 16 * 16];
        bytes[256 + 300] = 9;
        bytes[256 + 301] = 40;
        Path file = ArrayFile.write(directory.resolve("refused.npy"), "|u1", false, "(2, 3, 16, 16)", bytes);
        try (NpyVideos videos = NpyVideos.open(file, VideoLayout.NTHW, new Scale(0, 8))) {
            float[] target = new float[3 * 1000];
            ScaleException e = assertThrows(ScaleException.class, () -> videos.read(0, 1, 3, target, 0, 1000));
            assertEquals(file + " has the value 9.0 in video 0, frame 2, outside [0, 8]", e.fault());
            assertEquals(new Scale(0, 40), e.fitting(), "the range of all values from there on");
            videos.read(1, 0, 3, target, 0, 1000); // The other video is valid.
        }
    }

    @Test
    void videosInMemoryGeneratedSlicedAndByDefault() {
        float[] values = new float[4 * 5 * 24];
        for (int k = 0; k < 4; k++) {
            NUMBERED.read(k, 0, 5, values, k * 5 * 24, 24);
        }
        for (int i = 0; i < values.length; i++) {
            values[i] /= 1 << 16; // Exact, and in [0, 1].
        }
        assertReadsWhatGetGives(NUMBERED);
        assertReadsWhatGetGives(MovingMnist.training(3, 1));
        assertReadsWhatGetGives(MovingMnist.training(3, 1).slice(1, 3));
        Videos array = Videos.of(values, 4, 5, 3, 4, 2);
        Videos list = Videos.of(IntStream.range(0, 4).mapToObj(array::get).toList());
        assertReadsWhatGetGives(array.slice(1, 4));
        for (Videos videos : List.of(array, list)) {
            assertReadsWhatGetGives(videos);
            for (int k = 0; k < 4; k++) {
                float[] numbers = videos.get(k).values();
                for (int i = 0; i < numbers.length; i++) {
                    numbers[i] *= 1 << 16;
                }
                assertArrayEquals(NUMBERED.get(k).values(), numbers);
            }
        }
    }

    @Test
    void sizesOfVideosInMemoryAreChecked() {
        assertThrows(IllegalArgumentException.class, () -> Videos.of(new float[23], 1, 2, 3, 4, 1));
        assertThrows(IllegalArgumentException.class, () -> Videos.of(new float[0], 0, 2, 3, 4, 1));
        assertThrows(IllegalArgumentException.class, () -> Videos.of(new float[24], -1, -2, 3, 4, 1));
        // 2^32 videos: 0 as an int.
        assertThrows(IllegalArgumentException.class, () -> Videos.of(new float[1], 1 << 16, 1 << 16, 1 << 16, 1 << 16,
                1 << 16));
        assertThrows(IllegalArgumentException.class, () -> Videos.of(List.of()));
        assertThrows(IllegalArgumentException.class, () -> Videos.of(List.of(NUMBERED.get(0),
                NUMBERED.get(1).frames(0, 4))));
        Videos videos = Videos.of(new float[24], 2, 3, 2, 2, 1);
        assertThrows(IndexOutOfBoundsException.class, () -> videos.get(2));
        assertThrows(IndexOutOfBoundsException.class, () -> videos.get(0, 1, 4));
        assertThrows(IndexOutOfBoundsException.class, () -> videos.read(-1, 0, 3, new float[12], 0, 4));
        assertThrows(FramecastException.class, () -> new Batches(videos, 0, false, 0));
    }

    /** Reads into a time-major batch of three videos, as the second one. */
    private static void assertReadsWhatGetGives(Videos videos) {
        int size = videos.frameSize();
        int stride = 3 * size;
        for (int index = 0; index < videos.count(); index++) {
            for (int from = 0; from < 2; from++) {
                int to = videos.frames();
                float[] batch = new float[(to - from) * stride];
                Arrays.fill(batch, -7);
                videos.read(index, from, to, batch, size, stride);
                float[] expected = new float[batch.length];
                Arrays.fill(expected, -7);
                float[] all = videos.get(index).values();
                for (int t = from; t < to; t++) {
                    System.arraycopy(all, t * size, expected, (t - from) * stride + size, size);
                }
                assertArrayEquals(expected, batch);
            }
        }
    }
}
