package io.framecast.tools.render;

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
        assertEquals(PixelFont.width("000"), PixelFont.width("111"));
    }
}
