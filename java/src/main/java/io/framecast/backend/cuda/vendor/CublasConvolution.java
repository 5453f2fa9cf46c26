package io.framecast.backend.cuda.vendor;

import static io.framecast.backend.cuda.vendor.VendorCalls.checkCublas;
import static jcuda.cudaDataType.CUDA_R_32F;
import static jcuda.jcublas.JCublas2.cublasGemmEx_new;
import static jcuda.jcublas.JCublas2.cublasSetWorkspace;
import static jcuda.jcublas.cublasGemmAlgo.CUBLAS_GEMM_DEFAULT;
import static jcuda.jcublas.cublasOperation.CUBLAS_OP_N;
import static jcuda.jcublas.cublasOperation.CUBLAS_OP_T;

import io.framecast.backend.cuda.convolution.ConvolutionFamily;
import io.framecast.backend.cuda.convolution.ConvolutionShape;
import io.framecast.backend.cuda.convolution.CudaConvolution;
import io.framecast.backend.cuda.driver.DeviceMemory;
import io.framecast.backend.cuda.launch.CudaOps;
import io.framecast.backend.cuda.launch.ScratchParts;
import jcuda.Pointer;
import jcuda.jcublas.cublasHandle;

/**
 * A convolution of one tap and stride 1 as a matrix product: y (pixels, outputs) = x (pixels, inputs) w (inputs,
 * outputs). cuBLAS is column-major, so it sees the transpose of each of them. The result is float32 whatever the
 * factors are; those in bfloat16 are packed copies.
 */
final class CublasConvolution implements CudaConvolution {

    /** The largest size that cuBLAS's documentation recommends for any GPU. */
    private static final long WORKSPACE_BYTES = 32L << 20;

    /** The parts of scratch. */
    private static final int WORKSPACE = 0;
    private static final int FILTERS = 1;
    private static final int X = 2;
    private static final int W = 3;
    private static final int Y = 4;

    private static final Pointer ONE = Pointer.to(new float[] {1});
    private static final Pointer ZERO = Pointer.to(new float[] {0});

    /** A row-major matrix. */
    private record Factor(DeviceMemory memory, int rowLength) {
    }

    private final VendorLibraries libraries;
    private final Arithmetic arithmetic;
    private final VendorKernels kernels;
    /** Null: factors are the engine's float32 arrays. */
    private final PackKernels packing;
    private final ConvolutionShape shape;
    private final boolean gates;

    /** cuBLAS's workspace; for gates the gradient of the weights as (outputs, inputs); the packed x, w and y. */
    private final ScratchParts scratch;

    /**
     * As {@link ConvolutionFamily#make}.
     *
     * @throws io.framecast.FramecastException if there is no cuBLAS 12, or it does not start
     */
    CublasConvolution(CudaOps ops, VendorLibraries libraries, Arithmetic arithmetic, ConvolutionShape shape,
            boolean gates, int images, int sequence, boolean training) {
        this.libraries = libraries;
        this.arithmetic = arithmetic;
        this.shape = shape;
        this.gates = gates;
        libraries.cublas();
        kernels = new VendorKernels(ops, shape, gates, images);
        packing = arithmetic == Arithmetic.BF16 ? new PackKernels(ops, arithmetic) : null;
        long[] parts = new long[packing == null ? X : Y + 1];
        parts[WORKSPACE] = WORKSPACE_BYTES;
        parts[FILTERS] = gates && training ? Float.BYTES * shape.weightsSize() : 0;
        if (packing != null) {
            long pixels = (training ? Math.max(images, sequence) : images) * (long) shape.pixels();
            parts[X] = packing.bytes(pixels, shape.inputs());
            parts[W] = packing.bytes(shape.inputs(), shape.outputs());
            parts[Y] = training ? packing.bytes(pixels, shape.outputs()) : 0;
        }
        scratch = new ScratchParts(ops.arena(), 0, parts);
    }

    @Override
    public void forward(int images, DeviceMemory x, DeviceMemory w, DeviceMemory bias, DeviceMemory y,
            boolean accumulate) {
        int pixels = pixels(images);
        multiply(CUBLAS_OP_N, CUBLAS_OP_N, shape.outputs(), pixels, shape.inputs(), w(w), x(x, pixels), y, accumulate);
        if (bias != null) {
            kernels.addBias(images, bias, y);
        }
    }

    @Override
    public void backwardData(int images, DeviceMemory dy, DeviceMemory w, DeviceMemory dx, boolean accumulate) {
        int pixels = pixels(images);
        multiply(CUBLAS_OP_T, CUBLAS_OP_N, shape.inputs(), pixels, shape.outputs(), w(w), y(dy, pixels), dx,
                accumulate);
    }

    @Override
    public void backwardWeights(int images, DeviceMemory x, DeviceMemory dy, DeviceMemory dw) {
        int pixels = pixels(images);
        if (gates) {
            DeviceMemory filters = scratch.part(FILTERS);
            multiply(CUBLAS_OP_N, CUBLAS_OP_T, shape.inputs(), shape.outputs(), pixels, x(x, pixels), y(dy, pixels),
                    filters, false);
            kernels.fromFilters(filters, dw);
        } else {
            multiply(CUBLAS_OP_N, CUBLAS_OP_T, shape.outputs(), shape.inputs(), pixels, y(dy, pixels), x(x, pixels),
                    dw, false);
        }
    }

    private int pixels(int images) {
        return Math.multiplyExact(images, shape.pixels());
    }

    private Factor x(DeviceMemory x, int pixels) {
        return factor(x, pixels, shape.inputs(), X);
    }

    private Factor w(DeviceMemory w) {
        return factor(w, shape.inputs(), shape.outputs(), W);
    }

    private Factor y(DeviceMemory y, int pixels) {
        return factor(y, pixels, shape.outputs(), Y);
    }

    private Factor factor(DeviceMemory matrix, int rows, int columns, int part) {
        if (packing == null) {
            return new Factor(matrix, columns);
        }
        packing.pack(matrix, scratch.part(part), rows, columns);
        return new Factor(scratch.part(part), arithmetic.padded(columns));
    }

    /** c (m, n) = op(a) (m, k) op(b) (k, n), or c += it; all are column-major, and c is packed and float32. */
    private void multiply(int opA, int opB, int m, int n, int k, Factor a, Factor b, DeviceMemory c,
            boolean accumulate) {
        cublasHandle handle = libraries.cublas();
        // Without it cuBLAS allocates, also during capture, and its results may depend on what else runs.
        checkCublas(cublasSetWorkspace(handle, scratch.part(WORKSPACE).pointer(), WORKSPACE_BYTES),
                "cublasSetWorkspace");
        checkCublas(cublasGemmEx_new(handle, opA, opB, m, n, k, ONE, a.memory.pointer(), arithmetic.cublasType,
                a.rowLength, b.memory.pointer(), arithmetic.cublasType, b.rowLength, accumulate ? ONE : ZERO,
                c.pointer(), CUDA_R_32F, m, arithmetic.computeType, CUBLAS_GEMM_DEFAULT),
                "cublasGemmEx of " + m + "x" + k + " by " + k + "x" + n);
    }

    @Override
    public void close() {
        scratch.close();
    }
}
