package io.framecast.backend.cuda;

import static io.framecast.backend.cuda.CudaCalls.check;
import static jcuda.driver.CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_THREAD_LOCAL;
import static jcuda.driver.JCudaDriver.cuGraphDestroy;
import static jcuda.driver.JCudaDriver.cuGraphExecDestroy;
import static jcuda.driver.JCudaDriver.cuGraphInstantiate;
import static jcuda.driver.JCudaDriver.cuGraphLaunch;
import static jcuda.driver.JCudaDriver.cuStreamBeginCapture;
import static jcuda.driver.JCudaDriver.cuStreamEndCapture;

import jcuda.driver.CUgraph;
import jcuda.driver.CUgraphExec;

/** Launches and copies on a device, recorded once, to be made again all at once. */
final class CudaGraph extends DeviceResource {

    private final CUgraphExec exec;

    private CudaGraph(CudaDevice device, CUgraphExec exec) {
        super(device);
        this.exec = exec;
    }

    /**
     * Records what {@code work} does on the device, whose context is current. Nothing of it is done now.
     *
     * @throws CudaException if it does something that cannot be recorded, such as waiting or allocating
     */
    static CudaGraph capture(CudaDevice device, Runnable work) {
        CUgraph graph = new CUgraph();
        check(cuStreamBeginCapture(device.stream(), CU_STREAM_CAPTURE_MODE_THREAD_LOCAL), "cuStreamBeginCapture");
        try {
            work.run();
        } catch (RuntimeException e) {
            // The stream leaves its capture, so that it works again; what was recorded is dropped.
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

    /** Makes all of it again, after the work that was launched before. */
    void launch() {
        device.enter();
        check(cuGraphLaunch(exec, device.stream()), "cuGraphLaunch");
    }

    @Override
    void release() {
        check(cuGraphExecDestroy(exec), "cuGraphExecDestroy");
    }
}
