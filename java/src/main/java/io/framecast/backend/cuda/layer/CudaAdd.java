package io.framecast.backend.cuda.layer;

import static io.framecast.backend.cuda.launch.CudaOps.memory;

import io.framecast.backend.AddSpec;
import io.framecast.backend.MultiInputOp;
import io.framecast.backend.Plan;
import io.framecast.backend.Tensor;
import io.framecast.backend.cuda.driver.CudaKernel;
import io.framecast.backend.cuda.driver.DeviceMemory;
import io.framecast.backend.cuda.launch.CudaOps;
import io.framecast.backend.cuda.launch.DeviceArena.Region;
import java.util.ArrayList;
import java.util.List;

/**
 * Sums by cuda-kernels/merge.cu. The first gradient that is asked for is that of the output itself, the others are
 * copies.
 */
final class CudaAdd implements MultiInputOp {

    private final CudaOps ops;
    private final AddSpec spec;
    private final List<Boolean> wanted;
    private final CudaKernel kernel;
    private final OpResources resources;
    private final Region y;
    /** By input; null for the first gradient, and for those that are not computed. */
    private final List<Region> copies = new ArrayList<>();
    private long size;

    CudaAdd(CudaOps ops, AddSpec spec, Plan plan) {
        this.ops = ops;
        this.spec = spec;
        wanted = plan.inputGradients();
        kernel = ops.kernel("merge.cu", "add");
        resources = new OpResources(ops.arena(), plan.batch());
        long most = size(plan.frames(), plan.batch());
        y = resources.perVideo(most);
        for (int i = 0; i < spec.inputs(); i++) {
            boolean copied = plan.training() && wanted.get(i) && wanted.indexOf(true) != i;
            copies.add(copied ? resources.perVideo(most) : null);
        }
    }

    private long size(int frames, int batch) {
        return (long) spec.height() * spec.width() * spec.channels() * frames * batch;
    }

    @Override
    public Tensor forward(List<Tensor> inputs, int frames, int batch, boolean training) {
        size = size(frames, batch);
        DeviceMemory sum = memory(inputs.get(0));
        for (Tensor input : inputs.subList(1, inputs.size())) {
            kernel.launch(ops.rowGrid(size), CudaOps.BLOCK, 0, sum, memory(input), y.memory(), size);
            sum = y.memory();
        }
        return ops.view(y, size);
    }

    @Override
    public List<Tensor> backward(Tensor dy) {
        List<Tensor> gradients = new ArrayList<>();
        for (int i = 0; i < wanted.size(); i++) {
            Region copy = copies.get(i);
            if (copy != null) {
                memory(dy).copyTo(0, copy.memory(), 0, size);
            }
            Tensor own = copy != null ? ops.view(copy, size) : dy.slice(0, size);
            gradients.add(wanted.get(i) ? own : null);
        }
        return gradients;
    }

    @Override
    public void close() {
        resources.close();
    }
}
