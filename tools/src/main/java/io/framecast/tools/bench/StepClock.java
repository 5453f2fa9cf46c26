package io.framecast.tools.bench;

import io.framecast.backend.Backend;
import io.framecast.backend.OpCost;
import io.framecast.backend.Tensor;
import io.framecast.tools.bench.Part.Kind;
import java.util.ArrayList;
import java.util.List;

/** Takes the time of a step's parts as they end, and the backend's account of each. */
final class StepClock {

    private final Backend backend;
    private final Tensor anything;
    private final int batch;
    private final List<Part> parts = new ArrayList<>();
    private long last = System.nanoTime();

    /** @param anything on the device: to read of it waits for all that was asked of the device before */
    StepClock(Backend backend, Tensor anything, int batch) {
        this.backend = backend;
        this.anything = anything;
        this.batch = batch;
    }

    /** What was computed since the last part, or since the beginning, is this one. */
    void ended(Kind kind, int layer, String name, double flop) {
        anything.read(0, new float[1], 0, 1);
        double seconds = (System.nanoTime() - last) / 1e9;
        List<OpCost> ops = backend.takeProfile().stream().map(cost -> new OpCost(cost.op(), cost.seconds() / batch,
                cost.flop() / batch, cost.bytes() / batch)).toList();
        parts.add(new Part(kind, layer, name, seconds / batch, flop, ops));
        last = System.nanoTime();
    }

    StepAccount account() {
        return new StepAccount(List.copyOf(parts));
    }
}
