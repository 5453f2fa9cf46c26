package io.framecast.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.framecast.train.MovingSquares;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FingerprintTest {

    private static final Videos FEW = new MovingSquares(5, 4, 6, 8, 3);

    private static Fingerprint of(Videos videos) {
        return Fingerprint.of(new Split(videos, videos.slice(0, 0)));
    }

    /** Computed here from its definition: later versions must recognise the videos of runs of this version. */
    @Test
    void itIsTheHashOfSizeAndValues() throws Exception {
        MessageDigest hash = MessageDigest.getInstance("SHA-256");
        ByteBuffer bytes = ByteBuffer.allocate(4 * (5 + 5 * 4 * 6 * 8 * 3));
        for (int number : new int[] {5, 4, 6, 8, 3}) {
            bytes.putInt(number);
        }
        for (int k = 0; k < 5; k++) {
            for (float value : FEW.get(k).values()) {
                bytes.putFloat(value);
            }
        }
        assertEquals(new Fingerprint(5, 4, 6, 8, 3, HexFormat.of().formatHex(hash.digest(bytes.array()))), of(FEW));
    }

    @Test
    void neitherTheSplitNorTheFileMakesADifference(@TempDir Path directory) {
        for (int training = 1; training < 5; training++) {
            assertEquals(of(FEW), Fingerprint.of(new Split(FEW.slice(0, training), FEW.slice(training, 5))));
        }
        MovingMnist made = MovingMnist.training(3, 7);
        Path file = directory.resolve("made.npy");
        MovingMnist.write(file, List.of(made));
        assertEquals(of(made), of(NpyVideos.open(file)));
        assertNotEquals(of(made), of(MovingMnist.training(3, 8)));
    }

    @Test
    void aDifferenceIsNamed() {
        assertEquals(Optional.empty(), of(FEW).differenceFrom(of(FEW)));
        assertEquals(Optional.of("4 videos, not 5"), of(FEW.slice(0, 4)).differenceFrom(of(FEW)));
        assertEquals(Optional.of("1 video, not 5"), of(FEW.slice(2, 3)).differenceFrom(of(FEW)));
        assertEquals(Optional.of("videos of 3 frames, not 4"),
                of(new MovingSquares(5, 3, 6, 8, 3)).differenceFrom(of(FEW)));
        assertEquals(Optional.of("frames of 8x6x3, not 6x8x3"),
                of(new MovingSquares(5, 4, 8, 6, 3)).differenceFrom(of(FEW)));
    }

    /** Of many or large videos only some frames are read, one by one, from the first to the last. */
    @Test
    void ofManyFramesSomeAreRead() {
        for (int[] size : new int[][] {{10_000, 20, 64, 64}, {3, 2000, 512, 512}, {4, 5, 3000, 3000}}) {
            Set<Long> read = new HashSet<>();
            of(new Blank(size[0], size[1], size[2], size[3], read));
            assertTrue(read.contains(0L) && read.contains((long) size[0] * size[1] - 1), read.size() + " frames");
            assertTrue(read.size() >= 15 && (long) read.size() * size[2] * size[3] <= Math.max(1 << 22,
                    16L * size[2] * size[3]), read.size() + " frames");
            Set<Long> videos = new HashSet<>();
            read.forEach(frame -> videos.add(frame / size[1]));
            assertTrue(videos.size() >= Math.min(size[0], 1000), videos.size() + " videos");
        }
    }

    /** Videos that record which of their frames are read. */
    private record Blank(int count, int frames, int height, int width, Set<Long> read) implements Videos {
        @Override
        public int channels() {
            return 1;
        }

        @Override
        public Video get(int index) {
            throw new AssertionError("a whole video is read");
        }

        @Override
        public Video get(int index, int from, int to) {
            for (int t = from; t < to; t++) {
                read.add((long) index * frames + t);
            }
            return new Video(to - from, height, width, 1, new float[(to - from) * height * width]);
        }
    }
}
