package io.framecast.tools.bench;

import io.framecast.tools.bench.Part.Kind;
import java.util.List;
import java.util.Set;
import java.util.function.ToDoubleFunction;

/**
 * Where a training step goes.
 *
 * @param parts in the order in which they were computed
 */
public record StepAccount(List<Part> parts) {

    /** The loss is the end of forward. */
    static final Set<Kind> FORWARD = Set.of(Kind.FORWARD, Kind.LOSS);
    static final Set<Kind> BACKWARD = Set.of(Kind.BACKWARD);
    static final Set<Kind> OPTIMISER = Set.of(Kind.OPTIMISER);
    static final Set<Kind> STEP = Set.of(Kind.values());

    /** Of the whole step, a video; without what keeping the account takes between its parts. */
    double seconds() {
        return seconds(STEP);
    }

    /** Seconds a video. */
    double seconds(Set<Kind> kinds) {
        return sum(kinds, Part::seconds);
    }

    /** Floating-point operations of the definition, a video. */
    double flop(Set<Kind> kinds) {
        return sum(kinds, Part::flop);
    }

    /** Bytes through memory, a video; NaN where no account is kept. */
    double bytes(Set<Kind> kinds) {
        return parts.stream().allMatch(part -> part.ops().isEmpty()) ? Double.NaN
                : sum(kinds, part -> part.ops().isEmpty() ? 0 : part.bytes());
    }

    private double sum(Set<Kind> kinds, ToDoubleFunction<Part> figure) {
        return parts.stream().filter(part -> kinds.contains(part.kind())).mapToDouble(figure).sum();
    }
}
