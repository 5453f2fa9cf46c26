package io.framecast.tools.bench;

import io.framecast.backend.OpCost;
import java.util.List;

/**
 * A part of a training step: a layer's forward or backward, the loss, or the optimiser.
 *
 * @param layer the layer's index in the model; -1 for the loss and the optimiser
 * @param name the layer's Keras type, "loss" or "optimiser"
 * @param seconds by the clock, a video
 * @param flop floating-point operations of the definition ({@link io.framecast.nn.Flop}), a video
 * @param ops what the backend put down to its ops, a video; empty where it keeps no account
 */
public record Part(Kind kind, int layer, String name, double seconds, double flop, List<OpCost> ops) {

    /** In the order of a step. */
    public enum Kind {
        FORWARD, LOSS, BACKWARD, OPTIMISER
    }

    /** Bytes that its ops move through memory if nothing stays in cache, a video; NaN where no account is kept. */
    public double bytes() {
        return ops.isEmpty() ? Double.NaN : ops.stream().mapToDouble(OpCost::bytes).sum();
    }

    /** Of its seconds, those that no op accounts for. */
    public double otherSeconds() {
        return Math.max(0, seconds - ops.stream().mapToDouble(OpCost::seconds).sum());
    }
}
