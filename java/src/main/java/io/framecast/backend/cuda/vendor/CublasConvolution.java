package io.framecast.backend.cuda.vendor;

import static io.framecast.backend.cuda.vendor.VendorCalls.checkCublas;
import static jcuda.jcublas.JCublas2.cublasSetWorkspace;
import static jcuda.jcublas.JCublas2.cublasSgemm;
import static jcuda.jcublas.cublasOperation.CUBLAS_OP_N;
import static jcuda.jcublas.cublasOperation.CUBLAS_OP_T;

import io.framecast.backend.cuda.convolution.ConvolutionShape;
import io.framecast.backend.cuda.convolution.CudaConvolution;
import io.framecast.backend.cuda.driver.DeviceMemory;
import io.framecast.backend.cuda.launch.CudaOps;
import io.framecast.backend.cuda.launch.DeviceArena;
import jcuda.Pointer;
import jcuda.jcublas.cublasHandle;

/**
 * A convolution of one tap and stride 1 as a matrix product: y (pixels, outputs) = x (pixels, inputs) w (inputs,
 * outputs). cuBLAS is column-major, so it sees the transpose of each of them.
 */
final class CublasConvolution implements CudaConvolution {

    /** The largest size that cuBLAS's documentation recommends for any GPU. */
    private static final long WORKSPACE_BYTES = 32L << 20;

    private static final Pointer ONE = Pointer.to(new float[] {1});
    private static final Pointer ZERO = Pointer.to(new float[] {0});

    private final VendorLibraries libraries;
    private final VendorKernels kernels;
    private final ConvolutionShape shape;
    private final boolean gates;

    /** cuBLAS's workspace, followed for gates by the gradient of the weights as (outputs, inputs). */
    private final DeviceArena.Region scratch;

    /** @throws io.framecast.FramecastException if there is no cuBLAS 12, or it does not start */
    CublasConvolution(CudaOps ops, VendorLibraries libraries, ConvolutionShape shape, boolean gates, int images,
            boolean training) {
        this.libraries = libraries;
        this.shape = shape;
        this.gates = gates;
        libraries.cublas();
        kernels = new VendorKernels(ops, shape, gates, images);
        scratch = ops.arena().scratch(WORKSPACE_BYTES + (gates && training ? Float.BYTES * shape.weightsSize() : 0));
    }

    @Override
    public void forward(int images, DeviceMemory x, DeviceMemory w, DeviceMemory bias, DeviceMemory y,
            boolean accumulate) {
        multiply(CUBLAS_OP_N, CUBLAS_OP_N, shape.outputs(), pixels(images), shape.inputs(), w, x, y, accumulate);
        if (bias != null) {
            kernels.addBias(images, bias, y);
        }
    }

    @Override
    public void backwardData(int images, DeviceMemory dy, DeviceMemory w, DeviceMemory dx, boolean accumulate) {
        multiply(CUBLAS_OP_T, CUBLAS_OP_N, shape.inputs(), pixels(images), shape.outputs(), w, dy, dx, accumulate);
    }

    @Override
    public void backwardWeights(int images, DeviceMemory x, DeviceMemory dy, DeviceMemory dw) {
        if (gates) {
            DeviceMemory filters = scratch.memory().view(WORKSPACE_BYTES, Float.BYTES * shape.weightsSize());
            multiply(CUBLAS_OP_N, CUBLAS_OP_T, shape.inputs(), shape.outputs(), pixels(images), x, dy, filters, false);
            kernels.fromFilters(filters, dw);
        } else {
            multiply(CUBLAS_OP_N, CUBLAS_OP_T, shape.outputs(), shape.inputs(), pixels(images), dy, x, dw, false);
        }
    }

    private int pixels(int images) {
        return Math.multiplyExact(images, shape.pixels());
    }

    /** c (m, n) = op(a) (m, k) op(b) (k, n), or c += it; all are packed and column-major. */
    private void multiply(int opA, int opB, int m, int n, int k, DeviceMemory a, DeviceMemory b, DeviceMemory c,
            boolean accumulate) {
        cublasHandle handle = libraries.cublas();
        // Without it cuBLAS allocates, also during capture, and its results may depend on what else runs.
        checkCublas(cublasSetWorkspace(handle, scratch.memory().pointer(), WORKSPACE_BYTES), "cublasSetWorkspace");
        checkCublas(cublasSgemm(handle, opA, opB, m, n, k, ONE, a.pointer(), opA == CUBLAS_OP_N ? m : k, b.pointer(),
                opB == CUBLAS_OP_N ? k : n, accumulate ? ONE : ZERO, c.pointer(), m),
                "cublasSgemm of " + m + "x" + k + " by " + k + "x" + n);
    }

    @Override
    public void close() {
        scratch.close();
    }
}
