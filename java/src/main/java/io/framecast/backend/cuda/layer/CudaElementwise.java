package io.framecast.backend.cuda.layer;

import static io.framecast.backend.cuda.launch.CudaOps.memory;

import io.framecast.backend.Elementwise;
import io.framecast.backend.ElementwiseSpec;
import io.framecast.backend.Op;
import io.framecast.backend.Plan;
import io.framecast.backend.Tensor;
import io.framecast.backend.cuda.driver.CudaKernel;
import io.framecast.backend.cuda.launch.CudaOps;
import io.framecast.backend.cuda.launch.DeviceArena;
import java.util.List;

/** A function by cuda-kernels/functions.cu. Backward overwrites the output's gradient with the input's. */
final class CudaElementwise implements Op {

    private static final String FILE = "functions.cu";

    private final CudaOps ops;
    private final ElementwiseSpec spec;
    private final boolean inputGradient;
    private final CudaKernel forward;
    private final CudaKernel backward;
    private final OpResources resources;
    private final DeviceArena.Region y;
    private Tensor x;
    private long size;

    CudaElementwise(CudaOps ops, ElementwiseSpec spec, Plan plan) {
        this.ops = ops;
        this.spec = spec;
        inputGradient = plan.inputGradient();
        forward = ops.kernel(FILE, "functionForward", options(spec.function()));
        backward = ops.kernel(FILE, "functionBackward", options(spec.function()));
        resources = new OpResources(ops.arena(), plan.batch());
        y = resources.perVideo(size(plan.frames(), plan.batch()));
    }

    /** The compiler's options for functions.cu. */
    static List<String> options(Elementwise function) {
        return List.of("-DFUNCTION=" + function);
    }

    private long size(int frames, int batch) {
        return (long) spec.height() * spec.width() * spec.channels() * frames * batch;
    }

    @Override
    public Tensor forward(Tensor x, int frames, int batch, boolean training) {
        this.x = x;
        size = size(frames, batch);
        forward.launch(ops.rowGrid(size), CudaOps.BLOCK, 0, memory(x), y.memory(), size, spec.alpha(), spec.beta());
        return ops.view(y, size);
    }

    @Override
    public Tensor backward(Tensor dy) {
        if (!inputGradient) {
            return null;
        }
        backward.launch(ops.rowGrid(size), CudaOps.BLOCK, 0, memory(x), memory(dy), size, spec.alpha());
        return dy.slice(0, size);
    }

    @Override
    public void close() {
        resources.close();
    }
}
