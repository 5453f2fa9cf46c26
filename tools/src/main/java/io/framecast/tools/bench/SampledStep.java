package io.framecast.tools.bench;

import io.framecast.device.sampling.CountedLaunches;
import io.framecast.device.sampling.SampledGpu;
import io.framecast.nn.ModelConfig;
import java.util.List;

/**
 * A training step, counted on a {@link SampledGpu}.
 *
 * @param flop floating-point operations by the definition of convolutions
 * @param launches what it launches
 */
public record SampledStep(double flop, List<CountedLaunches> launches) {

    /**
     * Counts a step as the trainer makes it. The first step is not counted: it also does what is done once.
     *
     * @param frames input frames per video
     * @param batch videos per step
     */
    public static SampledStep count(SampledGpu gpu, ModelConfig model, int frames, int batch) {
        try (TrainingBench training = new TrainingBench(gpu.backend(), model, frames, batch)) {
            training.step();
            gpu.forget();
            training.step();
            return new SampledStep(training.flop() * batch, gpu.counted());
        }
    }
}
