package io.framecast.backend.cuda;

import io.framecast.FramecastException;
import io.framecast.backend.Program;
import io.framecast.backend.cuda.driver.CudaDevice;
import io.framecast.backend.cuda.driver.CudaGraph;
import java.util.function.BooleanSupplier;

/**
 * A program that becomes a CUDA graph. The first run launches its kernels one by one, which allocates, compiles and
 * loads what they need. The second is captured as a graph, which is replayed from then on with one call of the driver.
 * If CUDA or a library cannot capture it, every run launches the kernels; the results are the same bits.
 */
final class CudaProgram implements Program {

    private final CudaDevice device;
    private final Runnable work;
    private final BooleanSupplier graphs;
    private boolean captures = true;
    private boolean warm;
    private CudaGraph graph;

    /** @param graphs whether what the work has used so far can be captured */
    CudaProgram(CudaDevice device, BooleanSupplier graphs, Runnable work) {
        this.device = device;
        this.graphs = graphs;
        this.work = work;
    }

    @Override
    public void run() {
        if (graph == null && captures && warm && graphs.getAsBoolean()) {
            try {
                graph = device.capture(work);
            } catch (FramecastException e) {
                captures = false;
            }
        }
        if (graph == null) {
            work.run();
            warm = true;
        } else {
            graph.launch();
        }
    }

    @Override
    public void close() {
        if (graph != null) {
            graph.close();
        }
    }
}
