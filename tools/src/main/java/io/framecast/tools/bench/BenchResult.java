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
 * The results of a benchmark.
 *
 * @param model the model's name, as given
 * @param device a description of the device
 * @param threads the number of threads, if the backend computes on the CPU
 * @param batch videos per step
 * @param frames input frames of a video
 * @param steps how many steps {@code seconds} is the median of
 * @param seconds seconds of a training step, as the trainer makes it, per video
 * @param account the profile of a further step
 * @param deviceBytes the peak device memory during training
 * @param peakRss the peak resident memory of the process during training, in bytes
 */
public record BenchResult(String model, String device, Precision precision, OptionalInt threads, int batch, int frames,
        int steps, double seconds, StepAccount account, Ceilings ceilings, long deviceBytes, OptionalLong peakRss,
        List<RolloutBench.Figures> rollout) {

    /**
     * Measures a model: at least {@code steps} steps, half as many profiled steps, and as many rollouts. The ceilings
     * are measured before and after, as other programs may use the machine in between.
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

    /** Floating-point operations of a training step by the definition, per video. */
    public double flop() {
        return account.flop(StepAccount.STEP);
    }

    /** Bytes moved through memory by a training step, per video; NaN if the backend has no profile. */
    double bytes() {
        return account.bytes(StepAccount.STEP);
    }
}
