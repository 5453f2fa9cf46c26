package io.framecast.tools.bench;

import io.framecast.backend.Backend;
import io.framecast.backend.OpCost;
import io.framecast.backend.Tensor;
import io.framecast.tools.bench.Part.Kind;
import java.util.ArrayList;
import java.util.List;

/** Records the time of each part of a step, with the backend's profile of the part. */
final class StepClock {

    private final Backend backend;
    private final Tensor anything;
    private final int batch;
    private final List<Part> parts = new ArrayList<>();
    private long last = System.nanoTime();

    /** @param anything any tensor on the device: reading it waits for all previous work of the device */
    StepClock(Backend backend, Tensor anything, int batch) {
        this.backend = backend;
        this.anything = anything;
        this.batch = batch;
    }

    /** Records a part: the work since the end of the previous part, or since the start. */
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
