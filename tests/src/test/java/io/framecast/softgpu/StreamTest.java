package io.framecast.softgpu;

import static io.framecast.softgpu.SoftDevice.check;
import static jcuda.driver.CUresult.CUDA_ERROR_ILLEGAL_ADDRESS;
import static jcuda.driver.CUresult.CUDA_ERROR_INVALID_HANDLE;
import static jcuda.driver.CUresult.CUDA_ERROR_NOT_PERMITTED;
import static jcuda.driver.CUresult.CUDA_ERROR_NOT_READY;
import static jcuda.driver.CUresult.CUDA_SUCCESS;
import static jcuda.driver.JCudaDriver.*;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import jcuda.Pointer;
import jcuda.driver.CUevent;
import jcuda.driver.CUevent_flags;
import jcuda.driver.CUresult;
import jcuda.driver.CUstream;
import jcuda.driver.CUstream_flags;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * Streams run nothing until a thread waits for them, so a missing wait is visible; but what leads to a host function
 * runs by itself. Dependencies are respected all the same.
 */
class StreamTest {

    /** out = 10 * out + digit: the order of launches shows in the digits. */
    private static final String DIGIT = """
            extern "C" __global__ void digit(int *out, int digit) { *out = 10 * *out + digit; }
            """;

    @RegisterExtension
    final SoftDevice device = new SoftDevice();

    private final List<CUstream> streams = new ArrayList<>();
    private final List<CUevent> events = new ArrayList<>();
    private final Pointer host = new Pointer();
    private ByteBuffer seen;
    private Kernel digit;
    private Buffer out;

    @BeforeEach
    void allocate() {
        digit = device.kernel(DIGIT);
        out = device.buffer(0);
        check(cuMemAllocHost(host, 64));
        seen = host.getByteBuffer(0, 64).order(ByteOrder.nativeOrder());
        seen.putInt(0, -1);
    }

    @AfterEach
    void free() {
        events.forEach(event -> cuEventDestroy(event));
        streams.forEach(stream -> cuStreamDestroy(stream));
        cuMemFreeHost(host);
    }

    private CUstream stream(int flags) {
        CUstream stream = new CUstream();
        check(cuStreamCreate(stream, flags));
        streams.add(stream);
        return stream;
    }

    private CUstream stream() {
        return stream(CUstream_flags.CU_STREAM_NON_BLOCKING);
    }

    private CUevent event() {
        CUevent event = new CUevent();
        check(cuEventCreate(event, 0));
        events.add(event);
        return event;
    }

    private void put(int value, CUstream stream) {
        Pointer arguments = Pointer.to(Pointer.to(out.pointer()), Pointer.to(new int[] {value}));
        check(cuLaunchKernel(digit.function(), 1, 1, 1, 1, 1, 1, 0, stream, arguments, null));
    }

    private void copyOut(CUstream stream) {
        check(cuMemcpyDtoHAsync(host, out.pointer(), 4, stream));
    }

    private static void assertResult(int expected, int actual) {
        assertEquals(CUresult.stringFor(expected), CUresult.stringFor(actual), SoftGpu.report());
    }

    @Test
    void doesNothingBeforeSomebodyWaits() {
        CUstream stream = stream();
        put(7, stream);
        copyOut(stream);
        assertEquals(-1, seen.getInt(0));
        assertResult(CUDA_ERROR_NOT_READY, cuStreamQuery(stream));
        check(cuStreamSynchronize(stream));
        assertEquals(7, seen.getInt(0));
        assertResult(CUDA_SUCCESS, cuStreamQuery(stream));
    }

    @Test
    void readsPinnedMemoryWhenTheCopyRuns() {
        CUstream stream = stream();
        seen.putInt(0, 1);
        check(cuMemcpyHtoDAsync(out.pointer(), host, 4, stream));
        seen.putInt(0, 2);
        check(cuStreamSynchronize(stream));
        assertEquals(2, out.ints()[0], "a program that reuses its buffer too early sees that it does");
    }

    @Test
    void takesPageableMemoryWhenTheCopyIsAskedFor() {
        CUstream stream = stream();
        int[] values = {1};
        check(cuMemcpyHtoDAsync(out.pointer(), Pointer.to(values), 4, stream));
        values[0] = 2;
        check(cuStreamSynchronize(stream));
        assertEquals(1, out.ints()[0]);
    }

    @Test
    void waitsWithTheContextForAllStreams() {
        CUstream first = stream();
        CUstream second = stream();
        put(3, first);
        check(cuMemcpyDtoHAsync(host.withByteOffset(8), out.pointer(), 4, second));
        seen.putInt(8, -1);
        copyOut(first);
        check(cuCtxSynchronize());
        assertEquals(3, seen.getInt(0));
        assertTrue(seen.getInt(8) == 0 || seen.getInt(8) == 3);
    }

    @Test
    void ordersStreamsByEvents() {
        CUstream first = stream();
        CUstream second = stream();
        CUstream third = stream();
        CUevent one = event();
        CUevent two = event();
        // third waits for second, second for first. Each has more work afterwards, which no thread waits for.
        put(1, first);
        check(cuEventRecord(one, first));
        check(cuStreamWaitEvent(second, one, 0));
        put(2, second);
        check(cuEventRecord(two, second));
        check(cuStreamWaitEvent(third, two, 0));
        put(3, third);
        copyOut(third);
        check(cuStreamSynchronize(third));
        assertEquals(123, seen.getInt(0));
    }

    @Test
    void runsNoMoreOfAStreamThanIsWaitedFor() {
        CUstream stream = stream();
        CUevent early = event();
        put(1, stream);
        check(cuEventRecord(early, stream));
        put(2, stream);
        copyOut(stream);
        check(cuEventSynchronize(early));
        assertEquals(-1, seen.getInt(0));
        check(cuStreamSynchronize(stream));
        assertEquals(12, seen.getInt(0));
    }

    @Test
    void waitsForTheLatestRecordingAtTheTimeOfTheCall() {
        CUstream first = stream();
        CUstream second = stream();
        CUevent event = event();
        check(cuStreamWaitEvent(second, event, 0));     // never recorded: nothing to wait for
        put(1, first);
        check(cuEventRecord(event, first));
        check(cuStreamWaitEvent(second, event, 0));
        put(2, first);
        check(cuEventRecord(event, first));             // second does not depend on it
        copyOut(second);
        check(cuStreamSynchronize(second));
        assertEquals(1, seen.getInt(0));
        check(cuEventSynchronize(event));
        assertEquals(12, out.ints()[0]);
    }

    @Test
    void keepsTheLegacyStreamInOrderWithBlockingStreamsOnly() {
        CUstream blocking = stream(CUstream_flags.CU_STREAM_DEFAULT);
        put(1, blocking);
        put(2, null);
        put(3, blocking);
        copyOut(blocking);
        check(cuStreamSynchronize(blocking));
        assertEquals(123, seen.getInt(0));
        CUstream free = stream();
        put(4, free);
        put(5, null);
        check(cuMemcpyDtoH(Pointer.to(new int[1]), out.pointer(), 4));      // in the legacy stream
        copyOut(blocking);
        check(cuStreamSynchronize(blocking));
        assertEquals(1235, seen.getInt(0));
        check(cuStreamSynchronize(free));
        assertEquals(12354, out.ints()[0]);
    }

    @Test
    void waitsForSynchronousCopies() {
        put(6, null);
        int[] read = new int[1];
        check(cuMemcpyDtoH(Pointer.to(read), out.pointer(), 4));
        assertEquals(6, read[0]);
    }

    @Test
    void timesWhatLiesBetweenEvents() {
        CUstream stream = stream();
        CUevent begin = event();
        CUevent end = event();
        check(cuEventRecord(begin, stream));
        put(1, stream);
        check(cuEventRecord(end, stream));
        float[] milliseconds = {-1};
        assertResult(CUDA_ERROR_NOT_READY, cuEventElapsedTime(milliseconds, begin, end));
        assertResult(CUDA_ERROR_NOT_READY, cuEventQuery(end));
        assertResult(CUDA_SUCCESS, cuEventQuery(end));
        check(cuEventSynchronize(end));
        check(cuEventElapsedTime(milliseconds, begin, end));
        assertTrue(milliseconds[0] >= 0, () -> milliseconds[0] + " ms");
        assertResult(CUDA_ERROR_INVALID_HANDLE, cuEventElapsedTime(milliseconds, begin, event()));
        CUevent silent = new CUevent();
        check(cuEventCreate(silent, CUevent_flags.CU_EVENT_DISABLE_TIMING));
        events.add(silent);
        check(cuEventRecord(silent, stream));
        check(cuStreamSynchronize(stream));
        assertResult(CUDA_ERROR_INVALID_HANDLE, cuEventElapsedTime(milliseconds, begin, silent));
    }

    @Test
    void callsBackInOrderOfTheStream() {
        CUstream stream = stream();
        List<String> calls = Collections.synchronizedList(new ArrayList<>());
        AtomicInteger inside = new AtomicInteger();
        put(1, stream);
        copyOut(stream);
        check(cuLaunchHostFunc(stream, data -> {
            calls.add(data + " " + seen.getInt(0));
            inside.set(cuCtxSynchronize());
        }, "function"));
        put(2, stream);
        copyOut(stream);
        check(cuStreamAddCallback(stream, (s, status, data) ->
                calls.add(data + " " + seen.getInt(0) + " " + status), "callback", 0));
        check(cuStreamSynchronize(stream));
        assertEquals(List.of("function 1", "callback 12 0"), calls);
        assertResult(CUDA_ERROR_NOT_PERMITTED, inside.get());
    }

    /** A program may wait for them by its own means: no call of the driver comes. */
    @Test
    void callsBackWithoutACallThatWaits() throws InterruptedException {
        CountDownLatch called = new CountDownLatch(1);
        CUstream first = stream();
        CUstream second = stream();
        CUevent event = event();
        put(1, first);
        check(cuEventRecord(event, first));
        check(cuStreamWaitEvent(second, event, 0));
        put(2, second);
        copyOut(second);
        check(cuLaunchHostFunc(second, data -> called.countDown(), null));
        assertTrue(called.await(20, TimeUnit.SECONDS));
        assertEquals(12, seen.getInt(0));
    }

    @Test
    void endsWhatADestroyedStreamStillHolds() {
        CUstream stream = new CUstream();
        check(cuStreamCreate(stream, CUstream_flags.CU_STREAM_NON_BLOCKING));
        put(9, stream);
        check(cuStreamDestroy(stream));
        check(cuCtxSynchronize());
        assertEquals(9, out.ints()[0]);
    }

    @Test
    void keepsWhatItNeedsUntilTheLaunchRuns() {
        CUstream stream = stream();
        int[] value = {4};
        Pointer arguments = Pointer.to(Pointer.to(out.pointer()), Pointer.to(value));
        check(cuLaunchKernel(digit.function(), 1, 1, 1, 1, 1, 1, 0, stream, arguments, null));
        value[0] = 5;       // arguments are taken at the call
        check(cuStreamSynchronize(stream));
        assertArrayEquals(new int[] {4}, out.ints());
    }

    @Test
    void showsAFaultWhereSomebodyWaits() {
        CUstream stream = stream();
        Pointer arguments = Pointer.to(Pointer.to(new long[1]), Pointer.to(new int[1]));
        device.expectFault(CUDA_ERROR_ILLEGAL_ADDRESS, () -> {
            check(cuLaunchKernel(digit.function(), 1, 1, 1, 1, 1, 1, 0, stream, arguments, null));
            put(1, stream);
            check(cuCtxGetLimit(new long[1], 0));
            check(cuStreamSynchronize(stream));
        });
        streams.clear();        // freed with their context, like the host memory
        check(cuMemAllocHost(host, 64));
    }

    @Test
    void holdsVeryLongQueuesAndChains() {
        CUstream first = stream();
        CUstream second = stream();
        for (int i = 0; i < 6000; ++i) {
            CUstream here = i % 2 == 0 ? first : second;
            CUstream there = i % 2 == 0 ? second : first;
            CUevent event = i < 2 ? event() : events.get(i % 2);
            check(cuMemsetD32Async(out.pointer(), i, 1, here));
            check(cuEventRecord(event, here));
            check(cuStreamWaitEvent(there, event, 0));
        }
        copyOut(first);
        check(cuStreamSynchronize(first));
        assertEquals(5999, seen.getInt(0));
    }
}
