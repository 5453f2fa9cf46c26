package io.framecast.backend.cuda.layer;

import io.framecast.backend.Activation;
import io.framecast.backend.Plan;
import io.framecast.backend.Tensor;
import io.framecast.backend.cuda.driver.DeviceMemory;
import io.framecast.backend.cuda.launch.CudaOps;
import io.framecast.backend.cuda.launch.DeviceArena.Region;

/** The buffers of a three-dimensional convolution around {@link TimeTaps}. */
final class TimeAxis {

    private final CudaOps ops;
    private final TimeTaps kernels;
    private final int rows;
    private final int pixels;
    private final Region weights;
    /** Null: not in training. */
    private final Region weightsGradient;
    private final Region taps;

    /**
     * @param rows of the weights
     * @param pixels of an output frame of a video
     */
    TimeAxis(CudaOps ops, OpResources resources, Plan plan, TimeTaps kernels, int rows, int pixels) {
        this.ops = ops;
        this.kernels = kernels;
        this.rows = rows;
        this.pixels = pixels;
        long size = kernels.weightsSize(rows);
        weights = resources.fixed(size);
        weightsGradient = plan.training() ? resources.fixed(size) : null;
        taps = resources.perVideo(tapsSize(plan.frames() * plan.batch()));
    }

    private long tapsSize(int images) {
        return images * kernels.tapsSize() * pixels;
    }

    /** The convolution's weights. */
    DeviceMemory weights() {
        return weights.memory();
    }

    DeviceMemory weightsGradient() {
        return weightsGradient.memory();
    }

    /** The convolution's outputs, or their gradient. */
    DeviceMemory taps() {
        return taps.memory();
    }

    /** The same for so many frames of all videos, as a tensor. */
    Tensor taps(int images) {
        return ops.view(taps, tapsSize(images));
    }

    /** Sets {@link #weights} from the parameter. */
    void takeParameter(DeviceMemory parameter) {
        kernels.pack(parameter, weights(), rows);
    }

    /** Sets the parameter's gradient from {@link #weightsGradient}. */
    void giveGradient(DeviceMemory parameterGradient) {
        kernels.unpack(weightsGradient(), parameterGradient, rows);
    }

    /** y = the sum of each output's taps, with bias and activation. */
    void combine(int frames, int batch, DeviceMemory bias, DeviceMemory y, Activation activation) {
        kernels.combine(frames, batch * pixels, taps(), bias, y, activation);
    }

    /** The gradient of {@link #taps} from that of y before its activation. */
    void spread(int frames, int batch, DeviceMemory dy) {
        kernels.spread(frames, batch * pixels, dy, taps());
    }
}
