package io.framecast.backend.cuda.layer;

import static io.framecast.backend.cuda.launch.CudaOps.memory;

import io.framecast.backend.Op;
import io.framecast.backend.Plan;
import io.framecast.backend.Tensor;
import io.framecast.backend.UpSamplingSpec;
import io.framecast.backend.cuda.driver.CudaKernel;
import io.framecast.backend.cuda.launch.CudaOps;
import io.framecast.backend.cuda.launch.DeviceArena;
import java.util.List;

/** Upsampling by cuda-kernels/upsampling.cu. */
final class CudaUpSampling implements Op {

    private static final String FILE = "upsampling.cu";

    private final CudaOps ops;
    private final UpSamplingSpec spec;
    private final CudaKernel forward;
    private final CudaKernel backward;
    private final OpResources resources;
    private final DeviceArena.Region y;
    /** Null: gradient of the input not computed. */
    private final DeviceArena.Region dx;
    private long images;

    CudaUpSampling(CudaOps ops, UpSamplingSpec spec, Plan plan) {
        this.ops = ops;
        this.spec = spec;
        forward = ops.kernel(FILE, "upSampleForward", options(spec));
        backward = ops.kernel(FILE, "upSampleBackward", options(spec));
        resources = new OpResources(ops.arena(), plan.batch());
        long most = (long) plan.frames() * plan.batch();
        y = resources.perVideo(most * outputSize());
        dx = plan.training() && plan.inputGradient() ? resources.perVideo(most * inputSize()) : null;
    }

    /** The compiler's options for upsampling.cu. */
    static List<String> options(UpSamplingSpec spec) {
        return List.of("-DHEIGHT=" + spec.height(), "-DWIDTH=" + spec.width(), "-DCHANNELS=" + spec.channels(),
                "-DSCALE_HEIGHT=" + spec.scaleHeight(), "-DSCALE_WIDTH=" + spec.scaleWidth(),
                "-DBILINEAR=" + (spec.bilinear() ? 1 : 0));
    }

    private long inputSize() {
        return (long) spec.height() * spec.width() * spec.channels();
    }

    private long outputSize() {
        return inputSize() * spec.scaleHeight() * spec.scaleWidth();
    }

    @Override
    public Tensor forward(Tensor x, int frames, int batch, boolean training) {
        images = (long) frames * batch;
        long size = images * outputSize();
        forward.launch(ops.itemGrid(size), CudaOps.BLOCK, 0, memory(x), y.memory(), size);
        return ops.view(y, size);
    }

    @Override
    public Tensor backward(Tensor dy) {
        if (dx == null) {
            return null;
        }
        long size = images * inputSize();
        backward.launch(ops.itemGrid(size), CudaOps.BLOCK, 0, memory(dy), dx.memory(), size);
        return ops.view(dx, size);
    }

    @Override
    public void close() {
        resources.close();
    }
}
