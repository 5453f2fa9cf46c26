package io.framecast.backend.cuda.layer;

import static io.framecast.backend.cuda.launch.CudaOps.memory;

import io.framecast.backend.BlendOp;
import io.framecast.backend.Tensor;
import io.framecast.backend.cuda.driver.CudaKernel;
import io.framecast.backend.cuda.launch.CudaOps;

/** A blend by cuda-kernels/blend.cu. */
final class CudaBlend implements BlendOp {

    private final CudaOps ops;
    private final CudaKernel kernel;
    private final Tensor rates;

    CudaBlend(CudaOps ops, int rows) {
        this.ops = ops;
        this.kernel = ops.kernel("blend.cu", "blend");
        this.rates = ops.zeros(rows);
    }

    @Override
    public void setRates(float[] values) {
        rates.write(values);
    }

    @Override
    public void blend(Tensor x, Tensor y, int from, int rows) {
        long row = y.size() / rows;
        kernel.launch(CudaKernel.Dim.of(ops.rowGrid(row).x(), rows), CudaOps.BLOCK, 0, memory(x), memory(y),
                memory(rates.slice(from, rows)), row);
    }

    @Override
    public void close() {
        rates.close();
    }
}
