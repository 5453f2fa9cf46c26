package io.framecast.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.framecast.FramecastException;
import java.io.ByteArrayInputStream;
import java.nio.ByteBuffer;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

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
