package io.framecast.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.framecast.FramecastException;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MnistDigitsTest {

    @Test
    void theBundledDigitsAreMnistsTenThousandTestImages() {
        MnistDigits digits = MnistDigits.bundled();
        assertEquals(10_000, digits.count());
        // Sums of the original file's pixels, computed with NumPy.
        assertEquals(18_454, sum(digits, 0));
        assertEquals(41_833, sum(digits, 9_999));
        assertEquals(264_923_200, IntStream.range(0, 10_000).mapToLong(i -> sum(digits, i)).sum());
        assertEquals(254, digits.pixel(0, 8, 10));
        assertSame(digits, MnistDigits.bundled());
    }

    @Test
    void damagedFilesAreRefusedInOneSentence() {
        assertRefused("begins with the number 2049", idx(2049, 1, 28, 28, 784));
        assertRefused("1 images of 27x28", idx(2051, 1, 27, 28, 784));
        assertRefused("0 images", idx(2051, 0, 28, 28, 0));
        assertRefused("-1 images", idx(2051, -1, 28, 28, 0));
        assertRefused("truncated", idx(2051, 2, 28, 28, 1567));
        assertRefused("truncated", idx(2051, 2_000_000, 28, 28, 10));
        assertRefused("goes on after its 2 images", idx(2051, 2, 28, 28, 1569));
        assertRefused("truncated", new byte[3]);
    }

    @Test
    void filesArePlainOrGzipped(@TempDir Path directory) throws IOException {
        byte[] idx = idx(2051, 12, 28, 28, 12 * 784);
        idx[16 + 3 * 784 + 2 * 28 + 5] = (byte) 200;
        Path plain = Files.write(directory.resolve("plain"), idx);
        Path gzipped = directory.resolve("gzipped");
        try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(gzipped))) {
            out.write(idx);
        }
        for (Path file : List.of(plain, gzipped)) {
            MnistDigits digits = MnistDigits.read(file);
            assertEquals(12, digits.count());
            assertEquals(200, digits.pixel(3, 2, 5));
            // Of 12 digits, 0 to 8 are for training, 9 for validation, 10 and 11 for tests.
            assertArrayEquals(new MovingMnist(digits, 0, 9, 1, 20, 5).bytes(0),
                    MovingMnist.training(digits, 1, 5).bytes(0));
            assertArrayEquals(new MovingMnist(digits, 9, 10, 1, 20, 5).bytes(0),
                    MovingMnist.validation(digits, 1, 5).bytes(0));
            assertArrayEquals(new MovingMnist(digits, 10, 12, 1, 20, 5).bytes(0),
                    MovingMnist.test(digits, 1, 5).bytes(0));
        }
        byte[] packed = Files.readAllBytes(gzipped);
        packed[packed.length / 2] ^= 0x55;
        assertRefused("damaged", Files.write(directory.resolve("flipped"), packed));
        assertRefused("truncated", Files.write(directory.resolve("cut"), Arrays.copyOf(packed, 15)));
        assertRefused("truncated", Files.write(directory.resolve("head"), Arrays.copyOf(packed, 5)));
        assertRefused("truncated", Files.write(directory.resolve("short"), Arrays.copyOf(idx, idx.length - 1)));
        assertRefused("truncated", Files.write(directory.resolve("empty"), new byte[0]));
        assertRefused("directory", directory);
        assertRefused("no such file", directory.resolve("nothing"));
        MnistDigits few = MnistDigits.read(Files.write(directory.resolve("few"), idx(2051, 9, 28, 28, 9 * 784)));
        assertThrows(FramecastException.class, () -> MovingMnist.test(few, 1, 1));
    }

    private static void assertRefused(String expected, Path file) {
        String message = assertThrows(FramecastException.class, () -> MnistDigits.read(file)).getMessage();
        assertTrue(message.contains(file.toString()) && message.contains(expected), message);
    }

    private static void assertRefused(String expected, byte[] idx) {
        String message = assertThrows(FramecastException.class,
                () -> MnistDigits.read(new ByteArrayInputStream(idx), "digits.idx")).getMessage();
        assertTrue(message.startsWith("digits.idx") && message.contains(expected), message);
    }

    private static byte[] idx(int magic, int count, int rows, int columns, int pixels) {
        return ByteBuffer.allocate(16 + pixels).putInt(magic).putInt(count).putInt(rows).putInt(columns).array();
    }

    private static long sum(MnistDigits digits, int digit) {
        long sum = 0;
        for (int i = 0; i < 28 * 28; i++) {
            sum += digits.pixel(digit, i / 28, i % 28);
        }
        return sum;
    }
}
