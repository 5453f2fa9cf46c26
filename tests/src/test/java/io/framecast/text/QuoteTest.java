package io.framecast.text;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.framecast.FramecastException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class QuoteTest {

    /** C0, DEL, C1 (with CSI, which some terminals interpret), line separators, direction marks, a lone surrogate. */
    @ParameterizedTest
    @CsvSource({"0, \\u0000", "7, \\u0007", "8, \\u0008", "9, \\t", "10, \\n", "13, \\r", "27, \\u001b", "127, \\u007f",
        "133, \\u0085", "155, \\u009b", "8206, \\u200e", "8232, \\u2028", "8233, \\u2029", "8238, \\u202e",
        "8297, \\u2069", "65279, \\ufeff", "55296, \\ud800", "917505, \\U000e0001"})
    void whatMovesTheCursorOrTurnsTheTextIsSpeltOut(int character, String written) {
        assertEquals("a" + written + "b", Quote.line("a" + Character.toString(character) + "b"));
    }

    @Test
    void whatPeopleWriteStaysAsItIs() {
        for (String text : new String[] {"", "/data/vidéos/видео/動画 (1).npy", "می\u200cخواهم", "👩\u200d🔬",
            "a\\b \"c\" 'd'"}) {
            assertEquals(text, Quote.line(text));
            assertEquals(text, new FramecastException(text).getMessage());
        }
    }

    @Test
    void aQuoteEndsAfterSome200CharactersAndAMessageCannotFillTheScreen() {
        assertEquals("x".repeat(200), Quote.of("x".repeat(200)));
        assertEquals("x".repeat(200) + "...", Quote.of("x".repeat(201)));
        assertEquals(203, Quote.of("\n".repeat(5_000_000)).length());
        String longPaths = "/d".repeat(2048) + " and " + "/e".repeat(2048);
        assertEquals(longPaths, new FramecastException(longPaths).getMessage(), "the longest paths are shown whole");
        assertTrue(new FramecastException("x".repeat(5_000_000)).getMessage().length() < 10_000);
        assertEquals("a\\nframecast: done", new FramecastException("a\nframecast: done", null).getMessage());
        assertEquals("null", new FramecastException(null).getMessage());
    }

    @Test
    void oneIsNotMany() {
        assertEquals("0 videos, 1 video, 2 videos", Count.of(0, "video") + ", " + Count.of(1, "video") + ", "
                + Count.of(2, "video"));
        assertEquals("1 batch, 2 batches", Count.of(1, "batch", "batches") + ", " + Count.of(2, "batch", "batches"));
    }
}
