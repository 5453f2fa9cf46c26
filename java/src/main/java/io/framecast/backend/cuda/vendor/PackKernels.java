package io.framecast.backend.cuda.vendor;

import io.framecast.backend.cuda.driver.CudaKernel;
import io.framecast.backend.cuda.driver.DeviceMemory;
import io.framecast.backend.cuda.launch.Columns;
import io.framecast.backend.cuda.launch.CudaOps;

/**
 * Our kernels that pack float32 rows as operands of the libraries, and their results back; see cuda-kernels/pack.cu. A
 * packed row is padded to a multiple of 16 bytes, with zeros.
 */
final class PackKernels {

    private final CudaOps ops;
    private final Arithmetic arithmetic;
    private final CudaKernel pack;
    private final CudaKernel unpack;

    PackKernels(CudaOps ops, Arithmetic arithmetic) {
        this.ops = ops;
        this.arithmetic = arithmetic;
        String type = arithmetic == Arithmetic.BF16 ? "BFloat16" : "Float";
        pack = ops.kernel("pack.cu", "pack" + type);
        unpack = ops.kernel("pack.cu", "unpack" + type);
    }

    /** The size of packed rows in bytes. */
    long bytes(long rows, int columns) {
        return Math.multiplyExact(rows, (long) arithmetic.bytes * arithmetic.padded(columns));
    }

    /** to (rows, padded columns) = from (rows, columns). */
    void pack(DeviceMemory from, DeviceMemory to, int rows, int columns) {
        int pitch = arithmetic.padded(columns);
        pack.launch(new Columns(ops, rows, pitch).passGrid(rows), CudaOps.BLOCK, 0, from, to, rows, columns, pitch);
    }

    /**
     * to (rows, columns) = from (rows, padded columns) + bias (columns).
     *
     * @param bias null: none is added
     * @param accumulate whether the result is added to {@code to}
     */
    void unpack(DeviceMemory from, DeviceMemory bias, DeviceMemory to, int rows, int columns, boolean accumulate) {
        int pitch = arithmetic.padded(columns);
        unpack.launch(new Columns(ops, rows, pitch).passGrid(rows), CudaOps.BLOCK, 0, from, bias, to, rows, columns,
                pitch, accumulate ? 1 : 0);
    }
}
