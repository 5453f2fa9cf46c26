package io.framecast.tools.bench;

import io.framecast.backend.OpCost;
import java.util.List;

/**
 * A part of a training step: a layer's forward or backward, the loss, or the optimiser.
 *
 * @param layer the layer's index in the model; -1 for the loss and the optimiser
 * @param name the layer's Keras type, "loss" or "optimiser"
 * @param seconds elapsed time, per video
 * @param flop floating-point operations by the definition ({@link io.framecast.nn.Flop}), per video
 * @param ops the backend's profile of its ops, per video; empty if the backend has no profile
 */
public record Part(Kind kind, int layer, String name, double seconds, double flop, List<OpCost> ops) {

    /** In the order of a step. */
    public enum Kind {
        FORWARD, LOSS, BACKWARD, OPTIMISER
    }

    /** Bytes that its ops move through memory if there is no cache, per video; NaN without a profile. */
    public double bytes() {
        return ops.isEmpty() ? Double.NaN : ops.stream().mapToDouble(OpCost::bytes).sum();
    }

    /** The seconds that are not in any of its ops. */
    public double otherSeconds() {
        return Math.max(0, seconds - ops.stream().mapToDouble(OpCost::seconds).sum());
    }
}
