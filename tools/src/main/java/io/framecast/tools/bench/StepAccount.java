package io.framecast.tools.bench;

import io.framecast.tools.bench.Part.Kind;
import java.util.List;
import java.util.Set;
import java.util.function.ToDoubleFunction;

/**
 * The profile of a training step.
 *
 * @param parts the parts, in the order of computation
 */
public record StepAccount(List<Part> parts) {

    /** The loss belongs to the forward pass. */
    static final Set<Kind> FORWARD = Set.of(Kind.FORWARD, Kind.LOSS);
    static final Set<Kind> BACKWARD = Set.of(Kind.BACKWARD);
    static final Set<Kind> OPTIMISER = Set.of(Kind.OPTIMISER);
    static final Set<Kind> STEP = Set.of(Kind.values());

    /** Seconds of the whole step, per video, without the overhead of profiling between its parts. */
    double seconds() {
        return seconds(STEP);
    }

    /** Seconds per video. */
    double seconds(Set<Kind> kinds) {
        return sum(kinds, Part::seconds);
    }

    /** Floating-point operations by the definition, per video. */
    double flop(Set<Kind> kinds) {
        return sum(kinds, Part::flop);
    }

    /** Bytes moved through memory, per video; NaN without a profile. */
    double bytes(Set<Kind> kinds) {
        return parts.stream().allMatch(part -> part.ops().isEmpty()) ? Double.NaN
                : sum(kinds, part -> part.ops().isEmpty() ? 0 : part.bytes());
    }

    private double sum(Set<Kind> kinds, ToDoubleFunction<Part> figure) {
        return parts.stream().filter(part -> kinds.contains(part.kind())).mapToDouble(figure).sum();
    }
}
