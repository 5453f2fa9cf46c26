package io.framecast.backend.cuda.layer;

import static io.framecast.backend.cuda.launch.CudaOps.memory;

import io.framecast.backend.Op;
import io.framecast.backend.Plan;
import io.framecast.backend.SpaceToDepthSpec;
import io.framecast.backend.Tensor;
import io.framecast.backend.cuda.driver.CudaKernel;
import io.framecast.backend.cuda.launch.CudaOps;
import io.framecast.backend.cuda.launch.DeviceArena;

/** Space to depth, or its inverse, by cuda-kernels/layout.cu. */
final class CudaSpaceToDepth implements Op {

    private final CudaOps ops;
    private final SpaceToDepthSpec spec;
    /** Values that a thread moves: 4, or 1 if the runs of adjacent values are not a multiple of 4. */
    private final int width;
    private final CudaKernel forward;
    private final CudaKernel backward;
    private final OpResources resources;
    private final DeviceArena.Region y;
    /** Null: gradient of the input not computed. */
    private final DeviceArena.Region dx;
    private long size;

    CudaSpaceToDepth(CudaOps ops, SpaceToDepthSpec spec, Plan plan) {
        this.ops = ops;
        this.spec = spec;
        width = spec.block() * spec.channels() % 4 == 0 ? 4 : 1;
        CudaKernel toDepth = ops.kernel("layout.cu", "spaceToDepth" + width);
        CudaKernel toSpace = ops.kernel("layout.cu", "depthToSpace" + width);
        forward = spec.inverse() ? toSpace : toDepth;
        backward = spec.inverse() ? toDepth : toSpace;
        resources = new OpResources(ops.arena(), plan.batch());
        long most = size(plan.frames(), plan.batch());
        y = resources.perVideo(most);
        dx = plan.training() && plan.inputGradient() ? resources.perVideo(most) : null;
    }

    private long size(int frames, int batch) {
        return (long) spec.height() * spec.width() * spec.channels() * frames * batch;
    }

    @Override
    public Tensor forward(Tensor x, int frames, int batch, boolean training) {
        size = size(frames, batch);
        return move(forward, x, y);
    }

    @Override
    public Tensor backward(Tensor dy) {
        return dx == null ? null : move(backward, dy, dx);
    }

    private Tensor move(CudaKernel kernel, Tensor from, DeviceArena.Region to) {
        kernel.launch(ops.itemGrid(size / width), CudaOps.BLOCK, 0, memory(from), to.memory(), size / width,
                spec.block(), spec.block() * spec.channels() / width, spec.width() / spec.block());
        return ops.view(to, size);
    }

    @Override
    public void close() {
        resources.close();
    }
}
