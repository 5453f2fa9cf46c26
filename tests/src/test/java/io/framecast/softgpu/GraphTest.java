package io.framecast.softgpu;

import static io.framecast.softgpu.SoftDevice.check;
import static jcuda.driver.CUresult.CUDA_ERROR_CAPTURED_EVENT;
import static jcuda.driver.CUresult.CUDA_ERROR_ILLEGAL_ADDRESS;
import static jcuda.driver.CUresult.CUDA_ERROR_ILLEGAL_STATE;
import static jcuda.driver.CUresult.CUDA_ERROR_INVALID_VALUE;
import static jcuda.driver.CUresult.CUDA_ERROR_NOT_SUPPORTED;
import static jcuda.driver.CUresult.CUDA_ERROR_STREAM_CAPTURE_IMPLICIT;
import static jcuda.driver.CUresult.CUDA_ERROR_STREAM_CAPTURE_INVALIDATED;
import static jcuda.driver.CUresult.CUDA_ERROR_STREAM_CAPTURE_ISOLATION;
import static jcuda.driver.CUresult.CUDA_ERROR_STREAM_CAPTURE_MERGE;
import static jcuda.driver.CUresult.CUDA_ERROR_STREAM_CAPTURE_UNJOINED;
import static jcuda.driver.CUresult.CUDA_ERROR_STREAM_CAPTURE_UNMATCHED;
import static jcuda.driver.CUresult.CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
import static jcuda.driver.CUresult.CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD;
import static jcuda.driver.CUresult.CUDA_SUCCESS;
import static jcuda.driver.CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_GLOBAL;
import static jcuda.driver.CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_RELAXED;
import static jcuda.driver.CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_THREAD_LOCAL;
import static jcuda.driver.JCudaDriver.*;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.atomic.AtomicInteger;
import jcuda.Pointer;
import jcuda.driver.CUDA_KERNEL_NODE_PARAMS;
import jcuda.driver.CUDA_MEMSET_NODE_PARAMS;
import jcuda.driver.CUcontext;
import jcuda.driver.CUdeviceptr;
import jcuda.driver.CUevent;
import jcuda.driver.CUgraph;
import jcuda.driver.CUgraphExec;
import jcuda.driver.CUgraphNode;
import jcuda.driver.CUgraphNodeType;
import jcuda.driver.CUresult;
import jcuda.driver.CUstream;
import jcuda.driver.CUstreamCaptureStatus;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Graphs, built node by node or captured from streams; and calls that are forbidden during capture. */
class GraphTest {

    private static final String DIGIT = """
            extern "C" __global__ void digit(int *out, int digit) { *out = 10 * *out + digit; }
            """;

    @RegisterExtension
    final SoftDevice device = new SoftDevice();

    private final Deque<Runnable> made = new ArrayDeque<>();
    private final CUstream stream = new CUstream();
    private Kernel digit;
    private Buffer out;

    @BeforeEach
    void allocate() {
        digit = device.kernel(DIGIT);
        out = device.buffer(0, 0);
        create(stream);
    }

    @AfterEach
    void free() {
        made.forEach(Runnable::run);
    }

    private CUstream create(CUstream created) {
        check(cuStreamCreate(created, 1));
        made.push(() -> cuStreamDestroy(created));
        return created;
    }

    private CUevent event() {
        CUevent event = new CUevent();
        check(cuEventCreate(event, 2));
        made.push(() -> cuEventDestroy(event));
        return event;
    }

    private CUgraph graph() {
        CUgraph graph = new CUgraph();
        check(cuGraphCreate(graph, 0));
        made.push(() -> cuGraphDestroy(graph));
        return graph;
    }

    private CUgraphExec instantiate(CUgraph graph) {
        CUgraphExec exec = new CUgraphExec();
        check(cuGraphInstantiate(exec, graph, 0));
        made.push(() -> cuGraphExecDestroy(exec));
        return exec;
    }

    private Pointer arguments(CUdeviceptr to, int value) {
        return Pointer.to(Pointer.to(to), Pointer.to(new int[] {value}));
    }

    private int put(int value, CUstream into) {
        return cuLaunchKernel(digit.function(), 1, 1, 1, 1, 1, 1, 0, into, arguments(out.pointer(), value), null);
    }

    private CUDA_KERNEL_NODE_PARAMS kernel(int value) {
        CUDA_KERNEL_NODE_PARAMS parameters = new CUDA_KERNEL_NODE_PARAMS();
        parameters.func = digit.function();
        parameters.gridDimX = parameters.gridDimY = parameters.gridDimZ = 1;
        parameters.blockDimX = parameters.blockDimY = parameters.blockDimZ = 1;
        parameters.kernelParams = arguments(out.pointer(), value);
        return parameters;
    }

    private CUgraphNode node(CUgraph graph, int value, CUgraphNode... after) {
        CUgraphNode node = new CUgraphNode();
        check(cuGraphAddKernelNode(node, graph, after, after.length, kernel(value)));
        return node;
    }

    private void begin(CUstream captured, int mode) {
        check(cuStreamBeginCapture(captured, mode));
    }

    private CUgraph end(CUstream captured) {
        CUgraph graph = new CUgraph();
        check(cuStreamEndCapture(captured, graph));
        made.push(() -> cuGraphDestroy(graph));
        return graph;
    }

    private int launched(CUgraphExec exec) {
        check(cuMemsetD32Async(out.pointer(), 0, 1, stream));
        check(cuGraphLaunch(exec, stream));
        check(cuStreamSynchronize(stream));
        return out.ints()[0];
    }

    private static void assertResult(int expected, int actual) {
        assertEquals(CUresult.stringFor(expected), CUresult.stringFor(actual), SoftGpu.report());
    }

    private static int status(CUstream of) {
        int[] status = new int[1];
        check(cuStreamIsCapturing(of, status));
        return status[0];
    }

    // ---- Capture ------------------------------------------------------------------------------------------------

    @Test
    void capturesWithoutRunningAndRunsOftenAfterwards() {
        begin(stream, CU_STREAM_CAPTURE_MODE_GLOBAL);
        assertEquals(CUstreamCaptureStatus.CU_STREAM_CAPTURE_STATUS_ACTIVE, status(stream));
        check(put(1, stream));
        check(cuMemsetD32Async(out.at(4), 7, 1, stream));
        check(put(2, stream));
        CUgraph graph = end(stream);
        assertEquals(CUstreamCaptureStatus.CU_STREAM_CAPTURE_STATUS_NONE, status(stream));
        check(cuCtxSynchronize());
        assertEquals(0, out.ints()[0] + out.ints()[1]);
        CUgraphExec exec = instantiate(graph);
        for (int run = 0; run < 3; ++run) {
            check(cuGraphLaunch(exec, stream));
        }
        assertEquals(0, out.ints()[0]);         // not before a wait
        check(cuStreamSynchronize(stream));
        assertEquals(121212, out.ints()[0]);
        assertEquals(7, out.ints()[1]);
    }

    /** What it has captured must have been joined. */
    @Test
    void aStreamMayEndBeforeTheCapture() {
        for (boolean joins : new boolean[] {true, false}) {
            CUstream side = create(new CUstream());
            CUevent fork = event(), join = event();
            begin(stream, CU_STREAM_CAPTURE_MODE_GLOBAL);
            check(cuEventRecord(fork, stream));
            check(cuStreamWaitEvent(side, fork, 0));
            check(put(4, side));
            check(cuEventRecord(join, side));
            if (joins) {
                check(cuStreamWaitEvent(stream, join, 0));
            }
            check(cuStreamDestroy(side));
            if (joins) {
                assertEquals(4, launched(instantiate(end(stream))));
            } else {
                assertResult(CUDA_ERROR_STREAM_CAPTURE_UNJOINED, cuStreamEndCapture(stream, new CUgraph()));
            }
        }
    }

    @Test
    void capturesWhatForksAndJoins() {
        CUstream side = create(new CUstream());
        CUevent fork = event();
        CUevent join = event();
        begin(stream, CU_STREAM_CAPTURE_MODE_GLOBAL);
        check(put(1, stream));
        check(cuEventRecord(fork, stream));
        check(cuStreamWaitEvent(side, fork, 0));
        assertEquals(CUstreamCaptureStatus.CU_STREAM_CAPTURE_STATUS_ACTIVE, status(side));
        check(put(2, side));
        check(cuEventRecord(join, side));
        check(cuMemsetD32Async(out.at(4), 5, 1, stream));
        check(cuStreamWaitEvent(stream, join, 0));
        check(put(3, stream));
        CUgraph graph = end(stream);
        assertEquals(CUstreamCaptureStatus.CU_STREAM_CAPTURE_STATUS_NONE, status(side));
        long[] count = new long[1];
        check(cuGraphGetNodes(graph, null, count));
        assertEquals(4, count[0]);
        check(cuGraphGetEdges(graph, null, null, count));
        assertEquals(4, count[0]);              // a diamond
        check(cuGraphGetRootNodes(graph, null, count));
        assertEquals(1, count[0]);
        assertEquals(123, launched(instantiate(graph)));
        assertEquals(5, out.ints()[1]);
    }

    @Test
    void takesAGraphLaunchedInACaptureAsAChild() {
        CUgraph inner = graph();
        node(inner, 2, node(inner, 1));
        CUgraphExec exec = instantiate(inner);
        begin(stream, CU_STREAM_CAPTURE_MODE_RELAXED);
        check(cuGraphLaunch(exec, stream));
        check(put(3, stream));
        assertEquals(123, launched(instantiate(end(stream))));
    }

    // ---- Built by hand ------------------------------------------------------------------------------------------

    @Test
    void runsNodesAfterThoseTheyDependOn() {
        CUgraph graph = graph();
        CUgraphNode last = node(graph, 3);
        CUgraphNode first = node(graph, 1);
        CUgraphNode middle = node(graph, 2, first);
        check(cuGraphAddDependencies(graph, new CUgraphNode[] {middle}, new CUgraphNode[] {last}, 1));
        assertEquals(123, launched(instantiate(graph)));
        assertResult(CUDA_ERROR_INVALID_VALUE,
                cuGraphAddDependencies(graph, new CUgraphNode[] {last}, new CUgraphNode[] {first}, 1));
        CUDA_MEMSET_NODE_PARAMS fill = new CUDA_MEMSET_NODE_PARAMS();
        fill.dst = out.pointer();
        fill.elementSize = 4;
        fill.width = 1;
        fill.height = 1;
        fill.value = 9;
        CUgraphNode set = new CUgraphNode();
        CUcontext context = new CUcontext();
        check(cuCtxGetCurrent(context));
        check(cuGraphAddMemsetNode(set, graph, null, 0, fill, context));
        check(cuGraphAddDependencies(graph, new CUgraphNode[] {set}, new CUgraphNode[] {first}, 1));
        int[] type = new int[1];
        check(cuGraphNodeGetType(set, type));
        assertEquals(CUgraphNodeType.CU_GRAPH_NODE_TYPE_MEMSET, type[0]);
        assertEquals(9123, launched(instantiate(graph)));
        check(cuGraphDestroyNode(middle));
        check(cuGraphAddDependencies(graph, new CUgraphNode[] {first}, new CUgraphNode[] {last}, 1));
        assertEquals(913, launched(instantiate(graph)));
    }

    @Test
    void runsClonesAndChildrenOnTheirOwn() {
        CUgraph graph = graph();
        CUgraphNode first = node(graph, 1);
        CUgraph clone = new CUgraph();
        check(cuGraphClone(clone, graph));
        made.push(() -> cuGraphDestroy(clone));
        CUgraphNode copied = new CUgraphNode();
        check(cuGraphNodeFindInClone(copied, first, clone));
        check(cuGraphKernelNodeSetParams(copied, kernel(5)));
        CUgraphNode child = new CUgraphNode();
        check(cuGraphAddChildGraphNode(child, graph, new CUgraphNode[] {first}, 1, clone));
        assertEquals(15, launched(instantiate(graph)));
        assertEquals(5, launched(instantiate(clone)));
    }

    @Test
    void changesTheParametersOfAnExecutableGraph() {
        CUgraph graph = graph();
        CUgraphNode first = node(graph, 1);
        node(graph, 2, first);
        CUgraphExec exec = instantiate(graph);
        check(cuGraphExecKernelNodeSetParams(exec, first, kernel(7)));
        assertEquals(72, launched(exec));
        assertEquals(12, launched(instantiate(graph)));
        check(cuGraphKernelNodeSetParams(first, kernel(8)));
        assertEquals(72, launched(exec));
        assertEquals(82, launched(instantiate(graph)));
        assertResult(CUDA_ERROR_INVALID_VALUE, cuGraphExecKernelNodeSetParams(exec, node(graph(), 3), kernel(3)));
    }

    @Test
    void keepsAnExecutableGraphWhenTheGraphIsGone() {
        CUgraph graph = new CUgraph();
        check(cuGraphCreate(graph, 0));
        node(graph, 4);
        CUgraphExec exec = instantiate(graph);
        check(cuGraphDestroy(graph));
        assertEquals(4, launched(exec));
    }

    // ---- What capturing forbids ---------------------------------------------------------------------------------

    private void assertInvalidated() {
        assertEquals(CUstreamCaptureStatus.CU_STREAM_CAPTURE_STATUS_INVALIDATED, status(stream));
        assertResult(CUDA_ERROR_STREAM_CAPTURE_INVALIDATED, put(1, stream));
        CUgraph none = new CUgraph();
        assertResult(CUDA_ERROR_STREAM_CAPTURE_INVALIDATED, cuStreamEndCapture(stream, none));
        assertEquals(CUstreamCaptureStatus.CU_STREAM_CAPTURE_STATUS_NONE, status(stream));
        check(put(1, stream));          // capture works again
        check(cuStreamSynchronize(stream));
    }

    @Test
    void refusesToWaitForAStreamThatCaptures() {
        begin(stream, CU_STREAM_CAPTURE_MODE_RELAXED);
        assertResult(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, cuStreamSynchronize(stream));
        assertInvalidated();
        begin(stream, CU_STREAM_CAPTURE_MODE_RELAXED);
        assertResult(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, cuStreamQuery(stream));
        assertInvalidated();
        begin(stream, CU_STREAM_CAPTURE_MODE_RELAXED);
        assertResult(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, cuCtxSynchronize());
        assertInvalidated();
    }

    @Test
    void refusesUnsafeCallsByTheModeOfTheCapture() throws InterruptedException {
        CUcontext context = new CUcontext();
        check(cuCtxGetCurrent(context));
        int[] modes = {CU_STREAM_CAPTURE_MODE_GLOBAL, CU_STREAM_CAPTURE_MODE_THREAD_LOCAL,
            CU_STREAM_CAPTURE_MODE_RELAXED};
        int[] elsewhere = {CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, CUDA_SUCCESS, CUDA_SUCCESS};
        for (int i = 0; i < modes.length; ++i) {
            begin(stream, modes[i]);
            AtomicInteger other = new AtomicInteger(-1);
            Thread thread = new Thread(() -> {
                check(cuCtxSetCurrent(context));
                CUdeviceptr pointer = new CUdeviceptr();
                other.set(cuMemAlloc(pointer, 4));
                if (other.get() == CUDA_SUCCESS) {
                    check(cuMemFree(pointer));
                }
            });
            thread.start();
            thread.join();
            assertResult(elsewhere[i], other.get());
            if (i == 1) {
                assertResult(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, cuMemAlloc(new CUdeviceptr(), 4));
            }
            if (i == 2) {
                device.allocate(4);
                end(stream);
            } else {
                assertInvalidated();
            }
        }
    }

    @Test
    void keepsCapturesApart() {
        CUstream other = create(new CUstream());
        CUevent event = event();
        CUevent before = event();
        check(cuEventRecord(before, other));
        begin(stream, CU_STREAM_CAPTURE_MODE_RELAXED);
        assertResult(CUDA_ERROR_STREAM_CAPTURE_ISOLATION, cuStreamWaitEvent(stream, before, 0));
        assertInvalidated();
        begin(stream, CU_STREAM_CAPTURE_MODE_RELAXED);
        begin(other, CU_STREAM_CAPTURE_MODE_RELAXED);
        check(put(1, other));
        check(cuEventRecord(event, other));
        assertResult(CUDA_ERROR_STREAM_CAPTURE_MERGE, cuStreamWaitEvent(stream, event, 0));
        assertResult(CUDA_ERROR_STREAM_CAPTURE_INVALIDATED, cuStreamEndCapture(other, new CUgraph()));
        assertInvalidated();
    }

    @Test
    void refusesToWaitForEventsOfACapture() {
        CUevent event = event();
        begin(stream, CU_STREAM_CAPTURE_MODE_RELAXED);
        check(put(1, stream));
        check(cuEventRecord(event, stream));
        assertResult(CUDA_ERROR_CAPTURED_EVENT, cuEventSynchronize(event));
        assertInvalidated();
        assertResult(CUDA_ERROR_CAPTURED_EVENT, cuEventQuery(event));
    }

    @Test
    void endsOnlyWhatWasBegunAndJoined() throws InterruptedException {
        assertResult(CUDA_ERROR_ILLEGAL_STATE, cuStreamEndCapture(stream, new CUgraph()));
        CUstream side = create(new CUstream());
        CUevent fork = event();
        begin(stream, CU_STREAM_CAPTURE_MODE_GLOBAL);
        assertResult(CUDA_ERROR_ILLEGAL_STATE, cuStreamBeginCapture(stream, CU_STREAM_CAPTURE_MODE_GLOBAL));
        check(cuEventRecord(fork, stream));
        check(cuStreamWaitEvent(side, fork, 0));
        check(put(2, side));
        assertResult(CUDA_ERROR_STREAM_CAPTURE_UNMATCHED, cuStreamEndCapture(side, new CUgraph()));
        CUcontext context = new CUcontext();
        check(cuCtxGetCurrent(context));
        AtomicInteger other = new AtomicInteger();
        Thread thread = new Thread(() -> {
            check(cuCtxSetCurrent(context));
            other.set(cuStreamEndCapture(stream, new CUgraph()));
        });
        thread.start();
        thread.join();
        assertResult(CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD, other.get());
        assertResult(CUDA_ERROR_STREAM_CAPTURE_UNJOINED, cuStreamEndCapture(stream, new CUgraph()));
        assertEquals(CUstreamCaptureStatus.CU_STREAM_CAPTURE_STATUS_NONE, status(side));
    }

    @Test
    void keepsTheLegacyStreamOutOfABlockingStreamsCapture() {
        CUstream blocking = new CUstream();
        check(cuStreamCreate(blocking, 0));
        made.push(() -> cuStreamDestroy(blocking));
        begin(blocking, CU_STREAM_CAPTURE_MODE_RELAXED);
        assertResult(CUDA_ERROR_STREAM_CAPTURE_IMPLICIT, put(1, null));
        assertResult(CUDA_ERROR_STREAM_CAPTURE_INVALIDATED, cuStreamEndCapture(blocking, new CUgraph()));
        begin(stream, CU_STREAM_CAPTURE_MODE_RELAXED);      // a non-blocking stream is not affected
        check(put(1, null));
        end(stream);
    }

    // ---- Memory of graphs ---------------------------------------------------------------------------------------

    /** A graph that allocates a number, sets it, and copies 10 times the output plus it; with or without freeing it. */
    private CUgraph withMemory(CUdeviceptr number, boolean frees) {
        begin(stream, CU_STREAM_CAPTURE_MODE_GLOBAL);
        check(cuMemAllocAsync(number, 4, stream));
        check(cuMemsetD32Async(number, 4, 1, stream));
        check(cuLaunchKernel(digit.function(), 1, 1, 1, 1, 1, 1, 0, stream, arguments(number, 2), null));
        check(cuMemcpyDtoDAsync(out.pointer(), number, 4, stream));
        if (frees) {
            check(cuMemFreeAsync(number, stream));
        }
        return end(stream);
    }

    @Test
    void memoryOfAGraphIsThereWhileTheGraphRuns() {
        CUdeviceptr number = new CUdeviceptr();
        CUgraphExec exec = instantiate(withMemory(number, true));
        assertResult(CUDA_ERROR_INVALID_VALUE, cuMemFree(number));
        for (int run = 0; run < 2; run++) {
            assertEquals(42, launched(exec));
        }
        SoftGpu.clearReport();
        String report = device.expectFault(CUDA_ERROR_ILLEGAL_ADDRESS, () -> {
            check(put(1, stream));
            check(cuLaunchKernel(digit.function(), 1, 1, 1, 1, 1, 1, 0, stream, arguments(number, 2), null));
            check(cuStreamSynchronize(stream));
        });
        assertTrue(report.contains("of graph allocation #") && report.contains("which is not allocated now"), report);
        made.clear();
    }

    @Test
    void memoryThatAGraphLeavesIsTheProgramsToFree() {
        CUdeviceptr number = new CUdeviceptr();
        CUgraph graph = withMemory(number, false);
        CUgraphExec exec = instantiate(graph);
        assertResult(CUDA_ERROR_NOT_SUPPORTED, cuGraphClone(new CUgraph(), graph));
        assertResult(CUDA_ERROR_NOT_SUPPORTED, cuGraphInstantiate(new CUgraphExec(), graph, 0));
        for (int run = 0; run < 2; run++) {
            assertEquals(42, launched(exec));
            int[] read = new int[1];
            check(cuMemcpyDtoH(Pointer.to(read), number, 4));
            assertEquals(42, read[0]);
            assertResult(CUDA_ERROR_INVALID_VALUE, cuGraphLaunch(exec, stream));
            check(run == 0 ? cuMemFreeAsync(number, stream) : cuMemFree(number));
            // Another launch may follow at once: the stream frees first.
        }
        check(cuGraphLaunch(exec, stream));
        check(cuMemFreeAsync(number, stream));
        check(cuGraphLaunch(exec, stream));
        check(cuMemFreeAsync(number, stream));
        check(cuStreamSynchronize(stream));
        assertEquals(42, out.ints()[0]);
        SoftGpu.clearReport();
    }

    @Test
    void aGraphMayFreeWhatAnotherHasLeft() {
        CUdeviceptr number = new CUdeviceptr();
        CUgraphExec exec = instantiate(withMemory(number, false));
        begin(stream, CU_STREAM_CAPTURE_MODE_GLOBAL);
        check(cuMemFreeAsync(number, stream));
        CUgraphExec freeing = instantiate(end(stream));
        assertResult(CUDA_ERROR_INVALID_VALUE, cuGraphLaunch(freeing, stream));
        for (int run = 0; run < 2; run++) {
            assertEquals(42, launched(exec));
            check(cuGraphLaunch(freeing, stream));
        }
        // Memory that no graph has allocated is not for a graph to free.
        begin(stream, CU_STREAM_CAPTURE_MODE_GLOBAL);
        assertResult(CUDA_ERROR_INVALID_VALUE, cuMemFreeAsync(out.pointer(), stream));
        end(stream);
    }
}
