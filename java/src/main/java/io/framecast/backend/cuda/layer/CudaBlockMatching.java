package io.framecast.backend.cuda.layer;

import static io.framecast.backend.cuda.launch.CudaOps.memory;

import io.framecast.backend.BlockMatchingSpec;
import io.framecast.backend.ConvLstmOp;
import io.framecast.backend.Plan;
import io.framecast.backend.Tensor;
import io.framecast.backend.cuda.driver.CudaKernel;
import io.framecast.backend.cuda.driver.DeviceMemory;
import io.framecast.backend.cuda.launch.CudaOps;
import io.framecast.backend.cuda.launch.DeviceArena.Region;

/** Motion by cuda-kernels/block_matching.cu: two launches for all frames. */
final class CudaBlockMatching implements ConvLstmOp {

    private static final int WARP = 32;

    private final CudaOps ops;
    private final BlockMatchingSpec spec;
    private final CudaKernel blockDifferences;
    private final CudaKernel softArgmin;
    private final OpResources resources;
    private final int rows;
    private final int columns;
    private final Region differences;
    private final Region y;
    /** The frame before the next step; null in training. */
    private final Region carried;
    private boolean hasCarried;

    CudaBlockMatching(CudaOps ops, BlockMatchingSpec spec, Plan plan) {
        this.ops = ops;
        this.spec = spec;
        blockDifferences = ops.kernel("block_matching.cu", "blockDifferences");
        softArgmin = ops.kernel("block_matching.cu", "softArgmin");
        resources = new OpResources(ops.arena(), plan.batch());
        rows = spec.height() / spec.block();
        columns = spec.width() / spec.block();
        long blocks = (long) plan.frames() * plan.batch() * rows * columns;
        differences = resources.scratch(blocks * spec.displacements());
        y = resources.perVideo(blocks * BlockMatchingSpec.OUTPUTS);
        carried = plan.training() ? null : resources.perVideo(plan.batch() * frame());
    }

    /** The values of an input frame of a video. */
    private long frame() {
        return (long) spec.height() * spec.width() * spec.channels();
    }

    @Override
    public Tensor forward(Tensor x, int frames, int batch, boolean training) {
        return run(memory(x), memory(x), frames, batch);
    }

    /** There are no parameters. */
    @Override
    public Tensor backward(Tensor dy) {
        return null;
    }

    @Override
    public void begin() {
        hasCarried = false;
    }

    @Override
    public Tensor step(Tensor input, int frames, int batch, int commit) {
        DeviceMemory x = memory(input);
        Tensor outputs = run(x, hasCarried ? carried.memory() : x, frames, batch);
        if (commit > 0) {
            x.copyTo((commit - 1) * batch * frame(), carried.memory(), 0, batch * frame());
            hasCarried = true;
        }
        return outputs;
    }

    /** @param before the frame before the first */
    private Tensor run(DeviceMemory x, DeviceMemory before, int frames, int batch) {
        long blocks = (long) frames * batch * rows * columns;
        long n = blocks * spec.displacements();
        blockDifferences.launch(ops.itemGrid(n), CudaOps.BLOCK, 0, x, before, differences.memory(), n, batch,
                spec.height(), spec.width(), spec.channels(), spec.block(), spec.reach());
        softArgmin.launch(ops.itemGrid(WARP * blocks), CudaOps.BLOCK, 0, differences.memory(), y.memory(), blocks,
                rows, columns, spec.reach(), spec.window());
        return ops.view(y, blocks * BlockMatchingSpec.OUTPUTS);
    }

    @Override
    public void close() {
        resources.close();
    }
}
