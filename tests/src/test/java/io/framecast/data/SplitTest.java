package io.framecast.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.framecast.FramecastException;
import org.junit.jupiter.api.Test;

class SplitTest {

    @Test
    void theLastPartValidatesAndFloorIsTakenInDecimal() {
        assertSizes(900, 100, 1000, 0.1);
        assertSizes(18, 2, 20, 0.1);
        assertSizes(1, 9, 10, 0.9); // floor(10 * (1 - 0.9)) is 0 in binary
        assertSizes(7, 4, 11, 0.3); // floor(7.7)
        assertSizes(5, 0, 5, 0);
        assertSizes(2, 1, 3, 1 / 3.0);
        Split split = Split.of(new NumberedVideos(10, 2, 1, 1, 1), 0.2);
        assertEquals(7, split.training().get(7).values()[0] / 1000);
        assertEquals(8, split.validation().get(0).values()[0] / 1000);
    }

    @Test
    void fractionsOutOfRangeAndEmptyTrainingAreRefused() {
        for (double fraction : new double[] {-0.1, 1, 1.5, Double.NaN, Double.POSITIVE_INFINITY}) {
            assertThrows(FramecastException.class, () -> Split.of(new NumberedVideos(10, 2, 1, 1, 1), fraction));
        }
        assertThrows(FramecastException.class, () -> Split.of(new NumberedVideos(1, 2, 1, 1, 1), 0.1));
        assertThrows(FramecastException.class, () -> Split.of(new NumberedVideos(4, 2, 1, 1, 1), 0.99));
    }

    private static void assertSizes(int training, int validation, int count, double fraction) {
        Split split = Split.of(new NumberedVideos(count, 2, 1, 1, 1), fraction);
        assertEquals(training, split.training().count());
        assertEquals(validation, split.validation().count());
    }
}
