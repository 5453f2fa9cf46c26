package io.framecast.tools.option;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.framecast.FramecastException;
import io.framecast.Remedy;
import org.junit.jupiter.api.Test;

class RemediesTest {

    @Test
    void theOptionsFollowTheMessage() {
        assertEquals("It does not fit. Choose a smaller batch, or the CPU (--batch-size, --device cpu).",
                Remedies.sentence(new FramecastException("It does not fit. Choose a smaller batch, or the CPU.",
                        Remedy.SMALLER_BATCH, Remedy.CPU)));
        assertEquals("It is 1.5 too long", Remedies.sentence(new FramecastException("It is 1.5 too long")));
        assertEquals("Wait 1.5 s (--lr)", Remedies.sentence(
                new FramecastException("Wait 1.5 s", new IllegalStateException(), Remedy.SMALLER_LEARNING_RATE)));
    }

    @Test
    void everyRemedyHasAnOption() {
        for (Remedy remedy : Remedy.values()) {
            String sentence = Remedies.sentence(new FramecastException("No.", remedy));
            assertTrue(sentence.matches("No \\(((framecast [a-z]+ )?--[a-z]|JAVA_TOOL_OPTIONS=-Xmx).*\\)\\."),
                    sentence);
        }
    }
}
