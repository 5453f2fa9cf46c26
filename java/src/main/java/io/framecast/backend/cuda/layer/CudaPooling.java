package io.framecast.backend.cuda.layer;

import static io.framecast.backend.cuda.launch.CudaOps.memory;

import io.framecast.backend.Op;
import io.framecast.backend.Plan;
import io.framecast.backend.PoolingSpec;
import io.framecast.backend.Tensor;
import io.framecast.backend.cuda.driver.CudaKernel;
import io.framecast.backend.cuda.launch.CudaOps;
import io.framecast.backend.cuda.launch.DeviceArena;
import java.util.List;

/** Pooling by cuda-kernels/pooling.cu. */
final class CudaPooling implements Op {

    private static final String FILE = "pooling.cu";

    private final CudaOps ops;
    private final PoolingSpec spec;
    private final CudaKernel forward;
    private final CudaKernel backward;
    private final OpResources resources;
    private final DeviceArena.Region y;
    /** Null: gradient of the input not computed. */
    private final DeviceArena.Region dx;
    private Tensor x;
    private long images;

    CudaPooling(CudaOps ops, PoolingSpec spec, Plan plan) {
        this.ops = ops;
        this.spec = spec;
        forward = ops.kernel(FILE, "poolForward", options(spec));
        backward = ops.kernel(FILE, "poolBackward", options(spec));
        resources = new OpResources(ops.arena(), plan.batch());
        long most = (long) plan.frames() * plan.batch();
        y = resources.perVideo(most * outputSize());
        dx = plan.training() && plan.inputGradient() ? resources.perVideo(most * inputSize()) : null;
    }

    /** The compiler's options for pooling.cu. */
    static List<String> options(PoolingSpec spec) {
        return List.of("-DHEIGHT=" + spec.height(), "-DWIDTH=" + spec.width(), "-DCHANNELS=" + spec.channels(),
                "-DOUT_HEIGHT=" + spec.outHeight(), "-DOUT_WIDTH=" + spec.outWidth(),
                "-DPOOL_HEIGHT=" + spec.poolHeight(), "-DPOOL_WIDTH=" + spec.poolWidth(),
                "-DSTRIDE_HEIGHT=" + spec.strideHeight(), "-DSTRIDE_WIDTH=" + spec.strideWidth(),
                "-DPAD_TOP=" + spec.padTop(), "-DPAD_LEFT=" + spec.padLeft(), "-DLARGEST=" + (spec.max() ? 1 : 0));
    }

    private long inputSize() {
        return (long) spec.height() * spec.width() * spec.channels();
    }

    private long outputSize() {
        return (long) spec.outHeight() * spec.outWidth() * spec.channels();
    }

    @Override
    public Tensor forward(Tensor x, int frames, int batch, boolean training) {
        this.x = x;
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
        backward.launch(ops.itemGrid(size), CudaOps.BLOCK, 0, memory(x), memory(dy), dx.memory(), size);
        return ops.view(dx, size);
    }

    @Override
    public void close() {
        resources.close();
    }
}
