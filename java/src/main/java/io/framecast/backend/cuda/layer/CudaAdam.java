package io.framecast.backend.cuda.layer;

import static io.framecast.backend.cuda.launch.CudaOps.memory;

import io.framecast.backend.AdamOp;
import io.framecast.backend.Tensor;
import io.framecast.backend.cuda.driver.CudaKernel;
import io.framecast.backend.cuda.launch.CudaOps;

/** Adam by cuda-kernels/adam.cu. */
final class CudaAdam implements AdamOp {

    private final CudaOps ops;
    private final Tensor parameters;
    private final Tensor gradients;
    private final Tensor m;
    private final Tensor v;
    private final Tensor alpha;
    private final double beta1;
    private final double beta2;
    private final double epsilon;
    private final CudaKernel kernel;

    CudaAdam(CudaOps ops, Tensor parameters, Tensor gradients, double beta1, double beta2, double epsilon) {
        this.ops = ops;
        this.parameters = parameters;
        this.gradients = gradients;
        this.beta1 = beta1;
        this.beta2 = beta2;
        this.epsilon = epsilon;
        this.kernel = ops.kernel("adam.cu", "adam");
        this.m = ops.zeros(parameters.size());
        this.v = ops.zeros(parameters.size());
        this.alpha = ops.zeros(1);
    }

    @Override
    public void setAlpha(double value) {
        alpha.write(new float[] {(float) value});
    }

    @Override
    public void update() {
        kernel.launch(ops.rowGrid(parameters.size()), CudaOps.BLOCK, 0, memory(parameters), memory(gradients),
                memory(m), memory(v), parameters.size(), memory(alpha), (float) (1 - beta1), (float) (1 - beta2),
                (float) epsilon);
    }

    @Override
    public Tensor m() {
        return m;
    }

    @Override
    public Tensor v() {
        return v;
    }

    @Override
    public void close() {
        m.close();
        v.close();
        alpha.close();
    }
}
