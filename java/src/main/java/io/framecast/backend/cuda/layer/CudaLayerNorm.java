package io.framecast.backend.cuda.layer;

import static io.framecast.backend.cuda.launch.CudaOps.memory;

import io.framecast.backend.LayerNormSpec;
import io.framecast.backend.Op;
import io.framecast.backend.Plan;
import io.framecast.backend.Tensor;
import io.framecast.backend.Weights;
import io.framecast.backend.cuda.driver.CudaKernel;
import io.framecast.backend.cuda.launch.CudaOps;
import io.framecast.backend.cuda.launch.DeviceArena;
import java.util.List;

/**
 * Layer normalisation by cuda-kernels/layer_norm.cu. Backward overwrites the output's gradient with the input's, and
 * the output, which is not needed any more, with the terms of the gradient of gamma.
 */
final class CudaLayerNorm implements Op {

    private static final String FILE = "layer_norm.cu";

    private final CudaOps ops;
    private final LayerNormSpec spec;
    private final Weights gamma;
    private final Weights beta;
    private final CudaKernel forward;
    private final CudaKernel backward;
    private final OpResources resources;
    private final DeviceArena.Region y;
    /** Null: not in training. */
    private final BiasGradient sums;
    private Tensor x;
    private int rows;

    CudaLayerNorm(CudaOps ops, LayerNormSpec spec, Plan plan, Weights gamma, Weights beta) {
        this.ops = ops;
        this.spec = spec;
        this.gamma = gamma;
        this.beta = beta;
        forward = ops.kernel(FILE, "layerNormForward", options(spec.channels()));
        backward = ops.kernel(FILE, "layerNormBackward", options(spec.channels()));
        resources = new OpResources(ops.arena(), plan.batch());
        int most = rows(plan.frames(), plan.batch());
        y = resources.perVideo((long) most * spec.channels());
        sums = plan.training() ? new BiasGradient(ops, resources, most, spec.channels(), false) : null;
    }

    /** The compiler's options for layer_norm.cu. */
    static List<String> options(int channels) {
        return List.of("-DCHANNELS=" + channels, "-DLANES=" + lanes(channels));
    }

    /** As many as the channels, rounded up to a power of two; a warp at most. */
    private static int lanes(int channels) {
        return channels > 16 ? 32 : Integer.highestOneBit(2 * channels - 1);
    }

    private int rows(int frames, int batch) {
        return Math.toIntExact((long) spec.height() * spec.width() * frames * batch);
    }

    private CudaKernel.Dim grid() {
        return ops.itemGrid((long) rows * lanes(spec.channels()));
    }

    @Override
    public Tensor forward(Tensor x, int frames, int batch, boolean training) {
        this.x = x;
        rows = rows(frames, batch);
        forward.launch(grid(), CudaOps.BLOCK, 0, memory(x), memory(gamma.value()), memory(beta.value()), y.memory(),
                (long) rows, (float) spec.epsilon());
        return ops.view(y, (long) rows * spec.channels());
    }

    @Override
    public Tensor backward(Tensor dy) {
        sums.run(memory(dy), rows, memory(beta.gradient()));
        backward.launch(grid(), CudaOps.BLOCK, 0, memory(x), memory(gamma.value()), memory(dy), y.memory(), (long) rows,
                (float) spec.epsilon());
        sums.run(y.memory(), rows, memory(gamma.gradient()));
        return dy.slice(0, (long) rows * spec.channels());
    }

    @Override
    public void close() {
        resources.close();
    }
}
