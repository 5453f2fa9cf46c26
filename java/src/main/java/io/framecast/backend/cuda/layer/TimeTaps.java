package io.framecast.backend.cuda.layer;

import io.framecast.backend.Activation;
import io.framecast.backend.cuda.driver.CudaKernel;
import io.framecast.backend.cuda.driver.CudaKernel.Dim;
import io.framecast.backend.cuda.driver.DeviceMemory;
import io.framecast.backend.cuda.launch.CudaOps;
import java.util.List;

/**
 * The kernels of conv3d.cu: the time axis of a three-dimensional convolution. A 2-D convolution computes the taps in
 * time of all filters: taps (frames, pixels, taps, filters), from weights (rows, taps, columns), with a row for each of
 * its own taps and channels, and a column for each filter. A transposed convolution has its taps in reverse order, a
 * row for each of its own taps, and a column for each filter and channel.
 */
final class TimeTaps {

    private static final String FILE = "conv3d.cu";
    private static final int THREADS = 128;

    private final CudaOps ops;
    private final int taps;
    private final int filters;
    private final int columns;
    /** The values of a frame that a block computes: whole pixels, if several fit in a block. */
    private final int run;
    private final CudaKernel pack;
    private final CudaKernel unpack;
    private final CudaKernel combine;
    private final CudaKernel spread;

    /** Those of a convolution. */
    TimeTaps(CudaOps ops, int taps, int filters) {
        this(ops, taps, filters, filters, false);
    }

    /** Those of a transposed convolution. */
    static TimeTaps transposed(CudaOps ops, int taps, int filters, int channels) {
        return new TimeTaps(ops, taps, filters, Math.multiplyExact(filters, channels), true);
    }

    private TimeTaps(CudaOps ops, int taps, int filters, int columns, boolean reversed) {
        this.ops = ops;
        this.taps = taps;
        this.filters = filters;
        this.columns = columns;
        run = run(filters);
        List<String> options = options(taps, filters, columns, reversed);
        pack = ops.kernel(FILE, "packTaps", options);
        unpack = ops.kernel(FILE, "unpackTaps", options);
        combine = ops.kernel(FILE, "combineTaps", options);
        spread = ops.kernel(FILE, "spreadTaps", options);
    }

    private static int run(int filters) {
        return filters <= THREADS / 2 ? THREADS / filters * filters : THREADS;
    }

    /** The compiler's options for conv3d.cu. */
    static List<String> options(int taps, int filters, int columns, boolean reversed) {
        return List.of("-DTAPS=" + taps, "-DFILTERS=" + filters, "-DCOLUMNS=" + columns,
                "-DREVERSED=" + (reversed ? 1 : 0), "-DRUN=" + run(filters));
    }

    /** The values of the taps of a pixel of a frame. */
    long tapsSize() {
        return (long) taps * filters;
    }

    /** The number of weights. */
    long weightsSize(int rows) {
        return (long) taps * rows * columns;
    }

    /** Transposes the parameter (taps, rows, columns), of any alignment, to the convolution's weights. */
    void pack(DeviceMemory parameter, DeviceMemory w, int rows) {
        pack.launch(packGrid(rows), CudaOps.BLOCK, 0, parameter, w, rows);
    }

    /** Transposes the gradient of the weights back to that of the parameter. */
    void unpack(DeviceMemory w, DeviceMemory parameter, int rows) {
        unpack.launch(packGrid(rows), CudaOps.BLOCK, 0, w, parameter, rows);
    }

    /** y (frames, pixels, filters) = activation(sum of the taps + bias); the bias (filters) has any alignment. */
    void combine(int frames, int pixels, DeviceMemory taps, DeviceMemory bias, DeviceMemory y, Activation activation) {
        combine.launch(grid(pixels), Dim.of(THREADS), 0, taps, bias, y, frames, pixels, activation.ordinal());
    }

    /** The gradient of the taps from that of y before its activation. */
    void spread(int frames, int pixels, DeviceMemory dy, DeviceMemory dtaps) {
        spread.launch(grid(pixels), Dim.of(THREADS), 0, dy, dtaps, frames, pixels);
    }

    private Dim packGrid(int rows) {
        return ops.itemGrid(weightsSize(rows));
    }

    private Dim grid(int pixels) {
        return Dim.of(Math.toIntExact(CudaOps.ceilDiv((long) pixels * filters, run)));
    }
}
