package io.framecast.tools.render;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class PixelFontTest {

    /** All but the capital O, which looks like the digit 0. */
    private static final String CHARACTERS = "ABCDEFGHIJKLMNPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
            + ".,:;-+=_()[]/%#&!?'\"*<>|\u00b7";

    @Test
    void everyCharacterHasAShapeOfItsOwnInsideItsWidth() {
        Map<String, Character> seen = new HashMap<>();
        for (char c : (CHARACTERS + "\u4e00").toCharArray()) {
            Picture picture = new Picture(16, PixelFont.HEIGHT, 0);
            PixelFont.draw(picture, String.valueOf(c), 0, 0, 1, 1);
            int right = IntStream.range(0, picture.pixels.length).filter(i -> picture.pixels[i] == 1).map(i -> i % 16)
                    .max().orElseThrow(() -> new AssertionError(c + " is blank"));
            assertTrue(right < PixelFont.width(String.valueOf(c)), c + " is wider than it says");
            Character other = seen.put(Arrays.toString(picture.pixels), c);
            assertNull(other, c + " looks like another character");
        }
    }

    @Test
    void digitsAreEquallyWideSoThatNumbersLineUp() {
        for (int digit = 0; digit < 10; digit++) {
            // After any two digits the same picture follows at the same place.
            String two = "" + digit + (9 - digit);
            assertEquals(PixelFont.width("00"), PixelFont.width(two), two);
            assertEquals(PixelFont.width("00.7"), PixelFont.width(two + ".7"), two);
            assertArrayEquals(after("00.7"), after(two + ".7"), two);
        }
    }

    /** The pixels right of a text's second digit. */
    private static int[] after(String text) {
        Picture picture = new Picture(32, PixelFont.HEIGHT, 0);
        PixelFont.draw(picture, text, 0, 0, 1, 1);
        int[] right = IntStream.range(0, picture.pixels.length).filter(i -> i % 32 >= PixelFont.width("00"))
                .map(i -> picture.pixels[i]).toArray();
        assertTrue(Arrays.stream(right).anyMatch(pixel -> pixel == 1), text);
        return right;
    }
}
