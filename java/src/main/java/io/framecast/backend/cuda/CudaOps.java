package io.framecast.backend.cuda;

import io.framecast.backend.Tensor;
import io.framecast.backend.cuda.CudaKernel.Dim;

/** What the ops of a device share: its kernels, its memory, and how passes over rows of values are launched. */
record CudaOps(CudaDevice device, DeviceArena arena, Kernels kernels) {

    /** All kernels run in blocks of this. */
    static final Dim BLOCK = Dim.of(256);

    /** Blocks of a pass for each multiprocessor: enough to hide latency; with more, each has less to do. */
    private static final int BLOCKS = 8;

    /** A tensor of zeros. */
    Tensor zeros(long size) {
        return CudaTensor.owning(arena.reserveZeros(Float.BYTES * size), size);
    }

    /** The grid of a pass whose threads take fours of values, as many times as it takes; see elementwise.cuh. */
    Dim rowGrid(long size) {
        return Dim.of((int) Math.max(1, Math.min(ceilDiv(size, 4L * BLOCK.x()), maxBlocks())));
    }

    /** The grid of a pass whose threads take one item each. */
    Dim itemGrid(long items) {
        return Dim.of(Math.toIntExact(ceilDiv(items, BLOCK.x())));
    }

    /** As many blocks as a pass over any amount of data should have at most. */
    int maxBlocks() {
        return BLOCKS * device.multiprocessors();
    }

    static long ceilDiv(long a, long b) {
        return (a + b - 1) / b;
    }

    static int ceilDiv(int a, int b) {
        return (int) ceilDiv((long) a, (long) b);
    }
}
