package io.framecast.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.framecast.FramecastException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import java.util.zip.CRC32;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MovingMnistTest {

    private static final MnistDigits DIGITS = MnistDigits.bundled();

    /** A digit whose upper left corner is at an integer position. */
    private record Place(int digit, int top, int left) {
        int pixel(int row, int column) {
            int r = row - top;
            int c = column - left;
            return r < 0 || c < 0 || r >= 28 || c >= 28 ? 0 : DIGITS.pixel(digit, r, c);
        }
    }

    /**
     * Finds the positions of the digits in the frames by search, and checks their paths against the rules of the
     * original data set.
     */
    @Test
    void twoDigitsMoveAtTenthsOfTheFreeRangeAndBounceOffTheWalls() {
        MovingMnist videos = new MovingMnist(DIGITS, 0, 2, 40, 20, 11); // a seven and a two
        int checked = 0;
        int bounces = 0;
        for (int i = 0; i < videos.count(); i++) {
            byte[] video = videos.bytes(i);
            int[][] path = new int[4][20]; // top and left of the seven, then of the two
            boolean bothShown = true;
            for (int t = 0; t < 20 && bothShown; t++) {
                int[] frame = frame(video, t);
                List<Place[]> pairs = pairs(frame, places(frame, 0, 2));
                assertFalse(pairs.isEmpty(), "video " + i + ", frame " + t + " is not made of two digits");
                pairs.removeIf(pair -> pair[0].digit == pair[1].digit);
                bothShown = !pairs.isEmpty(); // half of the videos show one digit twice
                if (bothShown) {
                    assertEquals(1, pairs.size(), "the frame has one reading");
                    Place[] pair = pairs.get(0);
                    for (int k = 0; k < 2; k++) {
                        path[2 * k][t] = pair[k].top;
                        path[2 * k + 1][t] = pair[k].left;
                    }
                }
            }
            if (bothShown) {
                checked++;
                for (int k = 0; k < 4; k += 2) {
                    double[] vertical = speed(path[k]);
                    double[] horizontal = speed(path[k + 1]);
                    // 0.1 of 36, the range of a digit of 28 pixels in a frame of 64.
                    assertTrue(Math.hypot(vertical[0], horizontal[0]) < 3.6
                            && 3.6 < Math.hypot(vertical[1], horizontal[1]), () -> "step between "
                            + Math.hypot(vertical[0], horizontal[0]) + " and "
                            + Math.hypot(vertical[1], horizontal[1]));
                    bounces += (int) (vertical[2] + horizontal[2]);
                }
            }
        }
        assertTrue(checked > 10, checked + " videos with both digits");
        // On average a coordinate moves 2/pi * 0.1 of its range per frame: more than the whole range in 20 frames.
        assertTrue(bounces > 3 * checked, bounces + " bounces");
    }

    /**
     * The least and the largest speed in pixels per frame that could give this path, and its number of bounces.
     * Positions are known to one pixel; the speed is constant, except for the step that ends at a wall. So for two
     * positions between the same walls, d pixels and k frames apart, the speed is between (d-1)/k and (d+1)/k.
     */
    private static double[] speed(int[] path) {
        double least = 0;
        double most = 3.6 + 1e-9;
        int bounces = 0;
        int start = 0;
        for (int j = 1; j < path.length; j++) {
            boolean atWall = path[j] == 0 || path[j] == 36;
            if (atWall) {
                // Without the wall, the step would have gone beyond the wall, or at least into its pixel.
                least = Math.max(least, path[j] == 36 ? 35 - path[j - 1] : path[j - 1] - 1);
                bounces += path[j - 1] != path[j] ? 1 : 0;
                start = j;
            }
            for (int i = start; i < j; i++) {
                double distance = Math.abs(path[j] - path[i]);
                least = Math.max(least, (distance - 1) / (j - i));
                most = Math.min(most, (distance + 1) / (j - i));
                assertTrue(Integer.signum(path[j] - path[j - 1]) * Integer.signum(path[j - 1] - path[i]) >= 0,
                        "turned away from a wall: " + Arrays.toString(path));
            }
        }
        assertTrue(least < most, "no one speed makes " + Arrays.toString(path));
        return new double[] {least, most, bounces};
    }

    @Test
    void startsAndDirectionsAreUniform() {
        MovingMnist videos = new MovingMnist(DIGITS, 0, 1, 4000, 2, 5);
        double[] sum = new double[2];
        double energy = 0;
        for (int i = 0; i < videos.count(); i++) {
            double[] first = centre(videos.bytes(i), 0);
            double[] second = centre(videos.bytes(i), 1);
            for (int axis = 0; axis < 2; axis++) {
                sum[axis] += first[axis];
                energy += Math.pow(second[axis] - first[axis], 2);
            }
        }
        double[] rest = centreOfDigit();
        for (int axis = 0; axis < 2; axis++) {
            // Two digits at uniform places of 0 to 36, truncated: mean 17.5; deviation 36/sqrt(12)/sqrt(2) = 7.35 a
            // video, 0.12 over 4000; overlaps and walls shift it by less than that. Five deviations:
            assertEquals(17.5, sum[axis] / 4000 - rest[axis], 0.6);
        }
        // Independent directions: the centre moves by half the sum of two steps, 2 * 3.6^2 / 4 = 6.5 squared, a
        // little more by truncation, less by walls and overlaps. Equal directions would give 13.
        assertEquals(6.5, energy / 4000, 1.5);
    }

    @Test
    void videosDependOnSeedAndIndexAlone() {
        MovingMnist videos = MovingMnist.training(64, 7);
        List<byte[]> inOrder = IntStream.range(0, 64).mapToObj(videos::bytes).toList();
        byte[][] inParallel = new byte[64][];
        IntStream.range(0, 64).parallel().map(i -> 63 - i).forEach(i -> inParallel[i] = videos.bytes(i));
        MovingMnist more = MovingMnist.training(1000, 7);
        for (int i = 0; i < 64; i++) {
            assertArrayEquals(inOrder.get(i), inParallel[i]);
            assertArrayEquals(inOrder.get(i), more.bytes(i), "the number of videos does not matter");
            for (int j = 0; j < i; j++) {
                assertFalse(Arrays.equals(inOrder.get(i), inOrder.get(j)));
            }
        }
        assertFalse(Arrays.equals(inOrder.get(0), MovingMnist.training(1, 8).bytes(0)));
    }

    @Test
    void theBitsOfASeedStayAsTheyAre() {
        CRC32 crc = new CRC32();
        crc.update(new MovingMnist(DIGITS, 0, 9000, 4, 20, 7).bytes(3));
        // Computed by an implementation of the generator, java.util.Random and SplitMix64 in Python.
        assertEquals(0xb71507c2L, crc.getValue());
    }

    @Test
    void trainingValidationAndTestShowDisjointDigitsWhateverTheSeedAndTheNumber() {
        for (int seed = 1; seed < 3; seed++) {
            for (int i = 0; i < 2; i++) {
                assertShowsOnly(0, 8000, MovingMnist.training(7 * seed, seed).bytes(i));
                assertShowsOnly(8000, 9000, MovingMnist.validation(DIGITS, 7 * seed, seed).bytes(i));
                assertShowsOnly(9000, 10_000, MovingMnist.test(DIGITS, 7 * seed, seed).bytes(i));
            }
        }
        // The definition, over many videos.
        assertArrayEquals(new MovingMnist(DIGITS, 0, 8000, 50, 20, 1).bytes(49), MovingMnist.training(99, 1).bytes(49));
        assertArrayEquals(new MovingMnist(DIGITS, 8000, 9000, 50, 20, 1).bytes(49),
                MovingMnist.validation(DIGITS, 99, 1).bytes(49));
        assertArrayEquals(new MovingMnist(DIGITS, 9000, 10_000, 50, 20, 1).bytes(49),
                MovingMnist.test(DIGITS, 99, 1).bytes(49));
    }

    @Test
    void freshVideosAreNewInEveryEpochAndTheSameEveryTime() {
        MovingMnist fixed = MovingMnist.training(8, 7);
        MovingMnist fresh = fixed.fresh();
        assertSame(fixed, fixed.ofEpoch(3));
        List<Video> seen = new ArrayList<>();
        for (int epoch = 0; epoch < 4; epoch++) {
            Videos videos = fresh.ofEpoch(epoch);
            assertEquals(8, videos.count());
            for (int i = 0; i < 8; i++) {
                Video video = videos.get(i);
                assertTrue(seen.stream().noneMatch(other -> Arrays.equals(other.values(), video.values())));
                assertArrayEquals(video.values(), MovingMnist.training(9, 7).fresh().ofEpoch(epoch).get(i).values());
                seen.add(video);
            }
        }
        assertArrayEquals(fixed.get(5).values(), seen.get(5).values(), "the first epoch is that of fixed videos");
        assertArrayEquals(seen.get(3 * 8 + 6).values(), fresh.slice(4, 8).ofEpoch(3).get(2).values());
        assertShowsOnly(0, 8000, ((MovingMnist) fresh.ofEpoch(2)).bytes(1));
        assertFalse(Arrays.equals(seen.get(8).values(), MovingMnist.training(8, 8).fresh().ofEpoch(1).get(0).values()));
    }

    /** Searches all 10,000 digits for those of the first frame, if they do not overlap there. */
    private static void assertShowsOnly(int from, int to, byte[] video) {
        int[] frame = frame(video, 0);
        List<Place[]> pairs = pairs(frame, places(frame, 0, 10_000));
        assertFalse(pairs.isEmpty());
        for (Place[] pair : pairs) {
            for (Place place : pair) {
                assertTrue(from <= place.digit && place.digit < to, "digit " + place.digit);
            }
        }
    }

    @Test
    void valuesAndTheOfficialLayoutAreTheSamePixels(@TempDir Path directory) throws Exception {
        MovingMnist training = MovingMnist.training(2, 3);
        MovingMnist videos = MovingMnist.validation(DIGITS, 21, 3);
        Path file = directory.resolve("made.npy");
        MovingMnist.write(file, List.of(training, videos));
        byte[] written = Files.readAllBytes(file);
        byte[] video = videos.bytes(4);
        float[] values = videos.get(4).values();
        for (int i = 0; i < video.length; i++) {
            assertEquals((video[i] & 0xff) / 255f, values[i]);
            int place = (i / 4096 * 23 + 2 + 4) * 4096 + i % 4096; // (frames, videos, 64, 64)
            assertEquals(video[i], written[128 + place]);
        }
        NpyVideos read = NpyVideos.open(file);
        assertEquals("23 videos of 20 frames of 64x64x1, uint8, frames first", read.describe());
        assertArrayEquals(training.get(1).values(), read.get(1).values());
        assertArrayEquals(values, read.get(2 + 4).values());
    }

    @Test
    void whatCannotBeGeneratedIsRefused() {
        assertThrows(FramecastException.class, () -> MovingMnist.training(0, 1));
        assertThrows(FramecastException.class, () -> new MovingMnist(DIGITS, 0, 10, 5, 1, 1));
        assertThrows(FramecastException.class, () -> new MovingMnist(DIGITS, 0, 10, 5, Integer.MAX_VALUE, 1));
        assertThrows(FramecastException.class, () -> new MovingMnist(DIGITS, 5, 5, 5, 20, 1));
        assertThrows(FramecastException.class, () -> new MovingMnist(DIGITS, 0, 10_001, 5, 20, 1));
        assertThrows(IndexOutOfBoundsException.class, () -> MovingMnist.training(5, 1).bytes(5));
    }

    private static int[] frame(byte[] video, int t) {
        return IntStream.range(0, 4096).map(i -> video[t * 4096 + i] & 0xff).toArray();
    }

    /** All positions of the digits at which no pixel is brighter than the frame. */
    private static List<Place> places(int[] frame, int firstDigit, int lastDigit) {
        List<Place> places = new ArrayList<>();
        for (int digit = firstDigit; digit < lastDigit; digit++) {
            for (int place = 0; place < 37 * 37; place++) {
                if (fits(frame, digit, place / 37, place % 37)) {
                    places.add(new Place(digit, place / 37, place % 37));
                }
            }
        }
        return places;
    }

    private static boolean fits(int[] frame, int digit, int top, int left) {
        for (int i = 0; i < 28 * 28; i++) {
            int k = i * 401 % 784; // scattered over the image, to find a mismatch early
            if (DIGITS.pixel(digit, k / 28, k % 28) > frame[(top + k / 28) * 64 + left + k % 28]) {
                return false;
            }
        }
        return true;
    }

    /** All pairs, lower digit first, whose maximum is exactly the frame. */
    private static List<Place[]> pairs(int[] frame, List<Place> places) {
        List<Place[]> pairs = new ArrayList<>();
        for (int i = 0; i < places.size(); i++) {
            for (int j = i; j < places.size(); j++) {
                Place a = places.get(i);
                Place b = places.get(j);
                if (IntStream.range(0, 4096).allMatch(p -> frame[p] == Math.max(a.pixel(p / 64, p % 64),
                        b.pixel(p / 64, p % 64)))) {
                    pairs.add(new Place[] {a, b});
                }
            }
        }
        return pairs;
    }

    private static double[] centre(byte[] video, int t) {
        double[] sum = new double[3];
        for (int i = 0; i < 4096; i++) {
            int pixel = video[t * 4096 + i] & 0xff;
            sum[0] += pixel * (i / 64);
            sum[1] += pixel * (i % 64);
            sum[2] += pixel;
        }
        return new double[] {sum[0] / sum[2], sum[1] / sum[2]};
    }

    private static double[] centreOfDigit() {
        byte[] canvas = new byte[4096];
        for (int i = 0; i < 28 * 28; i++) {
            canvas[i / 28 * 64 + i % 28] = (byte) DIGITS.pixel(0, i / 28, i % 28);
        }
        return centre(canvas, 0);
    }
}
