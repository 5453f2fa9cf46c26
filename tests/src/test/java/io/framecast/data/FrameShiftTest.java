package io.framecast.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;

class FrameShiftTest {

    @Test
    void targetsAreTheInputsOneFrameLaterInTheSameArray() {
        int batch = 2;
        try (Epoch epoch = new Batches(new NumberedVideos(batch, 5, 2, 3, 1), batch, false, 0).epoch(0, 0)) {
            Batch whole = epoch.next();
            FrameShift shift = whole.shift();
            assertEquals(4, shift.frames());
            assertEquals(4 * batch * 6, shift.length());
            for (int i = 0; i < shift.length(); i++) {
                int frame = i / (batch * 6);
                int video = i / 6 % batch;
                assertEquals(NumberedVideos.value(video, frame, i % 6), whole.values()[i]);
                assertEquals(NumberedVideos.value(video, frame + 1, i % 6), whole.values()[shift.targetOffset() + i]);
            }
            assertEquals(whole.values().length, shift.targetOffset() + shift.length());
        }
    }

    @Test
    void oneFrameHasNoNext() {
        assertThrows(IllegalArgumentException.class, () -> new FrameShift(1, 6));
    }
}
