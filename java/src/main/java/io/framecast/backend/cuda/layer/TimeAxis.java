package io.framecast.backend.cuda.layer;

import io.framecast.backend.Conv3dSpec;
import io.framecast.backend.Plan;
import io.framecast.backend.cuda.convolution.ConvolutionShape;
import io.framecast.backend.cuda.driver.DeviceMemory;
import io.framecast.backend.cuda.launch.CudaOps;
import io.framecast.backend.cuda.launch.DeviceArena.Region;

/** The buffers of a Conv3D whose kernel has several frames, around {@link TimeTaps}. */
final class TimeAxis {

    private final ConvolutionShape shape;
    private final TimeTaps kernels;
    private final Region weights;
    /** Null: not in training. */
    private final Region weightsGradient;
    private final Region taps;

    /** @param shape of the 2-D convolution, with the taps of the time axis among its outputs */
    TimeAxis(CudaOps ops, OpResources resources, Conv3dSpec spec, Plan plan, ConvolutionShape shape) {
        this.shape = shape;
        kernels = new TimeTaps(ops, spec.kernelFrames(), spec.filters());
        weights = resources.fixed(shape.weightsSize());
        weightsGradient = plan.training() ? resources.fixed(shape.weightsSize()) : null;
        taps = resources.perVideo(plan.frames() * plan.batch() * shape.outputSize());
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

    /** Sets {@link #weights} from the parameter. */
    void takeParameter(DeviceMemory parameter) {
        kernels.pack(parameter, weights(), rows());
    }

    /** Sets the parameter's gradient from {@link #weightsGradient}. */
    void giveGradient(DeviceMemory parameterGradient) {
        kernels.unpack(weightsGradient(), parameterGradient, rows());
    }

    /** y = the sum of each output's taps, with bias and activation. */
    void combine(int frames, int batch, DeviceMemory bias, DeviceMemory y, Conv3dSpec spec) {
        kernels.combine(frames, batch * shape.outPixels(), taps(), bias, y, spec.activation());
    }

    /** The gradient of {@link #taps} from that of y before its activation. */
    void spread(int frames, int batch, DeviceMemory dy) {
        kernels.spread(frames, batch * shape.outPixels(), dy, taps());
    }

    /** The rows of the weights: taps in height and width, and input channels. */
    private int rows() {
        return shape.taps() * shape.inputs();
    }
}
