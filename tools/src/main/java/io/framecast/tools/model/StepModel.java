package io.framecast.tools.model;

import io.framecast.backend.Precision;
import io.framecast.device.sampling.CountedLaunches;
import java.util.Comparator;
import java.util.List;

/**
 * How long a training step takes on a GPU by a model.
 *
 * @param model the network's name, as given
 * @param gpu the GPU
 * @param precision what convolutions multiply
 * @param batch videos of the step
 * @param frames input frames of a video
 * @param flop floating-point operations of the step by the definition of convolutions
 * @param kernels each kernel's launches of one shape, that with the longest time first
 */
public record StepModel(String model, GpuRates gpu, Precision precision, int batch, int frames, double flop,
        List<LaunchTime> kernels) {

    /** Videos of an epoch of the Keras example "Next-Frame Video Prediction with Convolutional LSTMs". */
    public static final int EPOCH_VIDEOS = 900;

    /**
     * The model of a step.
     *
     * @param counted what the step launches
     * @throws IllegalArgumentException if {@link LaunchTime} does not know the time of a launch
     */
    public static StepModel of(String model, GpuRates gpu, Precision precision, int batch, int frames, double flop,
            List<CountedLaunches> counted) {
        Comparator<LaunchTime> byTime = Comparator.comparingDouble(LaunchTime::allSeconds);
        return new StepModel(model, gpu, precision, batch, frames, flop, counted.stream()
                .map(launches -> LaunchTime.of(launches, gpu)).sorted(byTime.reversed()).toList());
    }

    /** Seconds of a step: one launch after the other. */
    public double seconds() {
        return kernels.stream().mapToDouble(LaunchTime::allSeconds).sum();
    }

    /** How many launches a step has. */
    public long launches() {
        return kernels.stream().mapToLong(kernel -> kernel.launches().launches()).sum();
    }

    /** Seconds in which the GPU would do the operations of the step at its best. */
    public double limitSeconds() {
        return flop / gpu.peak(precision);
    }

    /** The step's operations in a second as a share of what the GPU does at its best. */
    public double shareOfLimit() {
        return limitSeconds() / seconds();
    }

    /** Seconds of the training steps of an epoch. */
    public double epochSeconds() {
        return (double) EPOCH_VIDEOS / batch * seconds();
    }
}
