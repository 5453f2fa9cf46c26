package io.framecast.video;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class AreaFilterTest {

    /** Against the definition, in double: the integral over the part of the picture that a new pixel covers. */
    @ParameterizedTest
    @CsvSource({"8, 8, 4, 4", "17, 31, 5, 7", "100, 90, 64, 64", "5, 3, 12, 10", "9, 9, 9, 4", "9, 9, 4, 9",
        "1080, 30, 64, 2"})
    void isTheMeanOfTheAreaOfAPixel(int height, int width, int newHeight, int newWidth) {
        byte[] picture = new byte[height * width * 3];
        new Random(1).nextBytes(picture);
        byte[] result = new byte[newHeight * newWidth * 3];
        AreaFilter filter = new AreaFilter(height, width, 3, newHeight, newWidth);
        for (int again = 0; again < 2; again++) {
            filter.reset();
            byte[] row = new byte[width * 3];
            for (int y = 0; y < height; y++) {
                System.arraycopy(picture, y * row.length, row, 0, row.length);
                filter.add(row, result);
            }
        }
        for (int k = 0; k < result.length; k++) {
            double expected = mean(picture, height, width, k % 3, k / 3 / newWidth * (double) height / newHeight,
                    (k / 3 / newWidth + 1.0) * height / newHeight, k / 3 % newWidth * (double) width / newWidth,
                    (k / 3 % newWidth + 1.0) * width / newWidth);
            // Rounded; float32 sums of some thousand values up to 255 are right to 0.01.
            assertEquals(expected, result[k] & 0xff, 0.51);
        }
    }

    private static double mean(byte[] picture, int height, int width, int channel, double top, double bottom,
            double left, double right) {
        double sum = 0;
        for (int y = (int) top; y < Math.min(height, Math.ceil(bottom)); y++) {
            for (int x = (int) left; x < Math.min(width, Math.ceil(right)); x++) {
                double area = (Math.min(bottom, y + 1) - Math.max(top, y))
                        * (Math.min(right, x + 1) - Math.max(left, x));
                sum += area * (picture[(y * width + x) * 3 + channel] & 0xff);
            }
        }
        return sum / ((bottom - top) * (right - left));
    }
}
