package io.framecast.train;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Keras's documented rules, on losses with results worked out by hand. */
class CallbacksTest {

    private static int epochsUntilStop(int patience, double... losses) {
        EarlyStopping callback = new EarlyStopping(patience, null);
        for (int epoch = 1; epoch <= losses.length; epoch++) {
            // Restored from its state each time, as in a run that is resumed after every epoch.
            callback = new EarlyStopping(patience, callback.state());
            boolean stops = callback.stopsAfter(losses[epoch - 1]);
            assertEquals(stops, callback.stops());
            if (stops) {
                return epoch;
            }
        }
        return 0;
    }

    @Test
    void earlyStoppingStopsAfterPatienceEpochsWithoutANewLowest() {
        assertEquals(4, epochsUntilStop(3, 1, 1, 1, 1));
        // Epoch 2 has the lowest loss; 3, 4 and 5 are not below it, although 5 is below 4.
        assertEquals(5, epochsUntilStop(3, 1, 0.5, 0.9, 0.8, 0.7, 0.1));
        // Any decrease counts: Keras's min_delta is 0 here.
        assertEquals(0, epochsUntilStop(2, 1, 1, 0.9999999, 0.9999999, 0.9999998, 1));
        // Equal is not lower.
        assertEquals(3, epochsUntilStop(2, 0.5, 0.5, 0.5));
        assertEquals(2, epochsUntilStop(1, 0.5, 0.6, 0.1));
    }

    private static List<Double> rates(int patience, double... losses) {
        ReduceLROnPlateau callback = new ReduceLROnPlateau(patience, null);
        List<Double> rates = new ArrayList<>();
        double rate = 1;
        for (double loss : losses) {
            callback = new ReduceLROnPlateau(patience, callback.state());
            rate = callback.after(loss, rate);
            rates.add(Math.round(rate * 1e6) / 1e6);
        }
        return rates;
    }

    @Test
    void theLearningRateFallsToATenthAfterPatienceEpochsOnAPlateau() {
        assertEquals(List.of(1.0, 1.0, 0.1, 0.1, 0.01, 0.01, 0.001), rates(2, 1, 1, 1, 1, 1, 1, 1));
        // A decrease by at most min_delta, 1e-4, does not count and does not change the lowest loss: 0.99985 is
        // compared with 1.
        assertEquals(List.of(1.0, 1.0, 1.0, 1.0, 0.1), rates(2, 1, 0.99995, 0.99985, 0.9998, 0.99976));
        // A new lowest loss resets the count; so does a reduction.
        assertEquals(List.of(1.0, 1.0, 1.0, 1.0, 0.1, 0.1, 0.01), rates(2, 1, 1.1, 0.9, 1.0, 0.95, 0.92, 0.9));
    }
}
