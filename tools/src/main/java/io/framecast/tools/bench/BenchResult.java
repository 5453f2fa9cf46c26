package io.framecast.tools.bench;

import io.framecast.backend.Backend;
import io.framecast.backend.Ceilings;
import io.framecast.backend.Precision;
import io.framecast.nn.ModelConfig;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.TreeSet;

/**
 * What a benchmark found.
 *
 * @param model as it was named
 * @param device in words
 * @param threads those of this machine that computed, if they did
 * @param batch videos a step
 * @param frames input frames of a video
 * @param steps the steps of which {@code seconds} is the median
 * @param seconds of a training step as the trainer makes it, a video
 * @param account of a further step, taken apart
 * @param deviceBytes the most device memory that training held
 * @param peakRss the most memory of the process that was resident while training, in bytes
 */
public record BenchResult(String model, String device, Precision precision, OptionalInt threads, int batch, int frames,
        int steps, double seconds, StepAccount account, Ceilings ceilings, long deviceBytes, OptionalLong peakRss,
        List<RolloutBench.Figures> rollout) {

    /**
     * Measures a model: at least so many steps, half as many taken apart, and as many rollouts. The ceilings are
     * measured before and after, as others may use the machine in between.
     */
    public static BenchResult measure(Backend backend, String name, ModelConfig model, int frames, int batch,
            int steps) {
        Times.Median step;
        StepAccount account;
        Ceilings before;
        try (TrainingBench training = new TrainingBench(backend, model, frames, batch)) {
            before = backend.measureCeilings();
            ProcessMemory.resetPeak();
            step = training.measure(steps);
            account = training.account((steps + 1) / 2);
        }
        OptionalLong peakRss = ProcessMemory.peak();
        long deviceBytes = backend.peakBytes();
        List<RolloutBench.Figures> rollout = new ArrayList<>();
        for (int videos : new TreeSet<>(List.of(1, batch))) {
            rollout.add(RolloutBench.measure(backend, model, videos, steps));
        }
        return new BenchResult(name, backend.description(), backend.precision(), backend.threads(), batch, frames,
                step.runs(), step.seconds(), account, before.orHigher(backend.measureCeilings()), deviceBytes, peakRss,
                List.copyOf(rollout));
    }

    /** Floating-point operations of the definition in a training step, a video. */
    double flop() {
        return account.flop(StepAccount.STEP);
    }

    /** Bytes through memory in a training step, a video; NaN where the backend keeps no account. */
    double bytes() {
        return account.bytes(StepAccount.STEP);
    }
}
