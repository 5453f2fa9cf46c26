package io.framecast.backend.cuda.driver;

import static io.framecast.backend.cuda.driver.CudaCalls.check;
import static jcuda.driver.CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_THREAD_LOCAL;
import static jcuda.driver.JCudaDriver.cuGraphDestroy;
import static jcuda.driver.JCudaDriver.cuGraphExecDestroy;
import static jcuda.driver.JCudaDriver.cuGraphInstantiate;
import static jcuda.driver.JCudaDriver.cuGraphLaunch;
import static jcuda.driver.JCudaDriver.cuStreamBeginCapture;
import static jcuda.driver.JCudaDriver.cuStreamEndCapture;

import jcuda.driver.CUgraph;
import jcuda.driver.CUgraphExec;

/** Launches and copies on a device, recorded once and then replayed with one call. */
public final class CudaGraph extends DeviceResource {

    private final CUgraphExec exec;

    private CudaGraph(CudaDevice device, CUgraphExec exec) {
        super(device);
        this.exec = exec;
    }

    /** As {@link CudaDevice#capture}, for a device whose context is current. */
    static CudaGraph capture(CudaDevice device, Runnable work) {
        CUgraph graph = new CUgraph();
        check(cuStreamBeginCapture(device.stream(), CU_STREAM_CAPTURE_MODE_THREAD_LOCAL), "cuStreamBeginCapture");
        try {
            work.run();
        } catch (RuntimeException e) {
            // Ends the capture, so that the stream works again, and drops what was recorded.
            if (cuStreamEndCapture(device.stream(), graph) == 0) {
                cuGraphDestroy(graph);
            }
            throw e;
        }
        check(cuStreamEndCapture(device.stream(), graph), "cuStreamEndCapture");
        try {
            CUgraphExec exec = new CUgraphExec();
            check(cuGraphInstantiate(exec, graph, 0), "cuGraphInstantiate");
            return new CudaGraph(device, exec);
        } finally {
            cuGraphDestroy(graph);
        }
    }

    /** Replays it, after the work that was launched before. */
    public void launch() {
        device.enter();
        check(cuGraphLaunch(exec, device.stream()), "cuGraphLaunch");
    }

    @Override
    protected void release() {
        check(cuGraphExecDestroy(exec), "cuGraphExecDestroy");
    }
}
