package io.framecast.backend.cuda.layer;

import io.framecast.backend.Activation;
import io.framecast.backend.cuda.driver.CudaKernel;
import io.framecast.backend.cuda.driver.CudaKernel.Dim;
import io.framecast.backend.cuda.driver.DeviceMemory;
import io.framecast.backend.cuda.launch.CudaOps;
import java.util.List;

/**
 * The time part of a three-dimensional convolution by conv3d.cu. The other part is a convolution that makes the taps in
 * time of all filters: taps (frames, pixels, taps, filters), from weights (rows, taps, filters), a row for each of its
 * own taps and channels. Everything is launched, in order, and nothing waited for.
 */
final class TimeTaps {

    private static final String FILE = "conv3d.cu";
    private static final int THREADS = 128;

    private final CudaOps ops;
    private final int taps;
    private final int filters;
    /** Values of a frame that a block takes: of whole pixels, if it can have many, else as they come. */
    private final int run;
    private final CudaKernel pack;
    private final CudaKernel unpack;
    private final CudaKernel combine;
    private final CudaKernel spread;

    TimeTaps(CudaOps ops, int taps, int filters) {
        this.ops = ops;
        this.taps = taps;
        this.filters = filters;
        run = run(filters);
        List<String> options = options(taps, filters);
        pack = ops.kernels().get(FILE, "packTaps", options);
        unpack = ops.kernels().get(FILE, "unpackTaps", options);
        combine = ops.kernels().get(FILE, "combineTaps", options);
        spread = ops.kernels().get(FILE, "spreadTaps", options);
    }

    private static int run(int filters) {
        return filters <= THREADS / 2 ? THREADS / filters * filters : THREADS;
    }

    /** What conv3d.cu is compiled with. */
    static List<String> options(int taps, int filters) {
        return List.of("-DTAPS=" + taps, "-DFILTERS=" + filters, "-DRUN=" + run(filters));
    }

    /** From the parameter (taps, rows, filters), which may begin anywhere, to the convolution's weights. */
    void pack(DeviceMemory parameter, DeviceMemory w, int rows) {
        pack.launch(packGrid(rows), CudaOps.BLOCK, 0, parameter, w, rows);
    }

    /** The same of their gradients, and back. */
    void unpack(DeviceMemory w, DeviceMemory parameter, int rows) {
        unpack.launch(packGrid(rows), CudaOps.BLOCK, 0, w, parameter, rows);
    }

    /** y (frames, pixels, filters) from the taps; the bias (filters) may begin anywhere. */
    void combine(int frames, int pixels, DeviceMemory taps, DeviceMemory bias, DeviceMemory y, Activation activation) {
        combine.launch(grid(pixels), Dim.of(THREADS), 0, taps, bias, y, frames, pixels, activation.ordinal());
    }

    /** The gradient of the taps from that of y before its activation. */
    void spread(int frames, int pixels, DeviceMemory dy, DeviceMemory dtaps) {
        spread.launch(grid(pixels), Dim.of(THREADS), 0, dy, dtaps, frames, pixels);
    }

    private Dim packGrid(int rows) {
        return ops.itemGrid((long) taps * rows * filters);
    }

    private Dim grid(int pixels) {
        return Dim.of(Math.toIntExact(CudaOps.ceilDiv((long) pixels * filters, run)));
    }
}
