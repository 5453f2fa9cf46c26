package io.framecast.backend.cuda;

import io.framecast.FramecastException;
import io.framecast.backend.Program;
import io.framecast.backend.cuda.driver.CudaDevice;
import io.framecast.backend.cuda.driver.CudaGraph;

/**
 * Work that is always the same. Its first run is plain: it allocates, loads and compiles what it needs. The second one
 * is recorded as a CUDA graph, and this replayed from then on, which costs the host one call for all launches. Where
 * CUDA, or a library, does not record it, all runs are plain; they give the same bits.
 */
final class CudaProgram implements Program {

    private final CudaDevice device;
    private final Runnable work;
    private boolean graphs;
    private boolean warm;
    private CudaGraph graph;

    /** @param graphs false: all runs are plain */
    CudaProgram(CudaDevice device, boolean graphs, Runnable work) {
        this.device = device;
        this.graphs = graphs;
        this.work = work;
    }

    @Override
    public void run() {
        if (graph == null && graphs && warm) {
            try {
                graph = device.capture(work);
            } catch (FramecastException e) {
                graphs = false;
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
