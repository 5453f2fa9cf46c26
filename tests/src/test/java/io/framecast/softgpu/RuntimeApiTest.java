package io.framecast.softgpu;

import static jcuda.runtime.JCuda.cudaDeviceReset;
import static jcuda.runtime.JCuda.cudaDeviceSynchronize;
import static jcuda.runtime.JCuda.cudaEventCreate;
import static jcuda.runtime.JCuda.cudaEventDestroy;
import static jcuda.runtime.JCuda.cudaEventElapsedTime;
import static jcuda.runtime.JCuda.cudaEventQuery;
import static jcuda.runtime.JCuda.cudaEventRecord;
import static jcuda.runtime.JCuda.cudaEventSynchronize;
import static jcuda.runtime.JCuda.cudaFree;
import static jcuda.runtime.JCuda.cudaFreeHost;
import static jcuda.runtime.JCuda.cudaGetDeviceCount;
import static jcuda.runtime.JCuda.cudaGetDeviceProperties;
import static jcuda.runtime.JCuda.cudaHostAlloc;
import static jcuda.runtime.JCuda.cudaHostAllocMapped;
import static jcuda.runtime.JCuda.cudaHostGetDevicePointer;
import static jcuda.runtime.JCuda.cudaLaunchHostFunc;
import static jcuda.runtime.JCuda.cudaMalloc;
import static jcuda.runtime.JCuda.cudaMallocManaged;
import static jcuda.runtime.JCuda.cudaMallocPitch;
import static jcuda.runtime.JCuda.cudaMemAttachHost;
import static jcuda.runtime.JCuda.cudaMemAttachSingle;
import static jcuda.runtime.JCuda.cudaMemPrefetchAsync;
import static jcuda.runtime.JCuda.cudaMemcpy;
import static jcuda.runtime.JCuda.cudaMemcpy2D;
import static jcuda.runtime.JCuda.cudaMemcpyAsync;
import static jcuda.runtime.JCuda.cudaMemset;
import static jcuda.runtime.JCuda.cudaMemset2D;
import static jcuda.runtime.JCuda.cudaPointerGetAttributes;
import static jcuda.runtime.JCuda.cudaRuntimeGetVersion;
import static jcuda.runtime.JCuda.cudaStreamAddCallback;
import static jcuda.runtime.JCuda.cudaStreamAttachMemAsync;
import static jcuda.runtime.JCuda.cudaStreamCreate;
import static jcuda.runtime.JCuda.cudaStreamDestroy;
import static jcuda.runtime.JCuda.cudaStreamQuery;
import static jcuda.runtime.JCuda.cudaStreamSynchronize;
import static jcuda.runtime.JCuda.cudaStreamWaitEvent;
import static jcuda.runtime.cudaMemcpyKind.cudaMemcpyDeviceToDevice;
import static jcuda.runtime.cudaMemcpyKind.cudaMemcpyDeviceToHost;
import static jcuda.runtime.cudaMemcpyKind.cudaMemcpyHostToDevice;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.framecast.ChildJvm;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.stream.IntStream;
import java.util.zip.Deflater;
import jcuda.CudaException;
import jcuda.Pointer;
import jcuda.driver.CUfunction;
import jcuda.driver.CUmodule;
import jcuda.driver.CUstream;
import jcuda.driver.JCudaDriver;
import jcuda.runtime.JCuda;
import jcuda.runtime.cudaDeviceProp;
import jcuda.runtime.cudaError;
import jcuda.runtime.cudaEvent_t;
import jcuda.runtime.cudaMemoryType;
import jcuda.runtime.cudaPointerAttributes;
import jcuda.runtime.cudaStream_t;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

/**
 * NVIDIA's own runtime library, which is inside JCuda's, on the device: each program in a process of its own, whose
 * first call of CUDA is one of the runtime.
 */
class RuntimeApiTest {

    private static final int COUNT = 1000;

    /** x[i] = x[i] * 2 + i, of ints. */
    private static final String PTX = """
            .version 8.0
            .target sm_80
            .address_size 64
            .visible .entry twice(.param .u64 x, .param .u32 n) {
                .reg .pred %p;
                .reg .b32 %r<6>;
                .reg .b64 %rd<3>;
                ld.param.u64 %rd1, [x];
                ld.param.u32 %r1, [n];
                mov.u32 %r2, %ctaid.x;
                mov.u32 %r3, %ntid.x;
                mov.u32 %r4, %tid.x;
                mad.lo.u32 %r2, %r2, %r3, %r4;
                setp.ge.u32 %p, %r2, %r1;
                @%p ret;
                mad.wide.u32 %rd2, %r2, 4, %rd1;
                ld.global.u32 %r5, [%rd2];
                mad.lo.u32 %r5, %r5, 2, %r2;
                st.global.u32 [%rd2], %r5;
                ret;
            }
            """;

    private static ChildJvm process(String settings) {
        SoftGpu.load();
        Path driver = Path.of(SoftGpu.loadedDriver().orElseThrow());
        return new ChildJvm().environment("LD_LIBRARY_PATH", driver.getParent())
                .environment("FRAMECAST_SOFTGPU", settings);
    }

    /** The driver of an older CUDA: the runtime opens it, gives up, and closes it again. */
    @Test
    void survivesARuntimeThatGivesUp() throws Exception {
        assertEquals("no runtime, but Java and the driver go on",
                process("driver=11000").run(OnAnOldDriver.class));
    }

    /** Also nothing is reported: no leak, no call that is not provided. */
    @Test
    void runsAProgramOfTheRuntime() throws Exception {
        assertEquals("done", process("compute=86").run(Program.class));
    }

    static final class OnAnOldDriver {
        public static void main(String[] arguments) {
            assertEquals(cudaError.cudaErrorInsufficientDriver, cudaGetDeviceCount(new int[1]));
            // Both get arrays by the JVM's table of functions.
            new Deflater().deflate(new byte[100]);
            int[] count = new int[1];
            JCudaDriver.setExceptionsEnabled(true);
            JCudaDriver.cuInit(0);
            JCudaDriver.cuDeviceGetCount(count);
            System.out.println(count[0] == 1 ? "no runtime, but Java and the driver go on" : "devices: " + count[0]);
        }
    }

    static final class Program {
        private final cudaStream_t stream = new cudaStream_t();
        private final int[] numbers = IntStream.range(0, COUNT).map(i -> 7 * i - 3).toArray();

        public static void main(String[] arguments) {
            JCuda.setExceptionsEnabled(true);
            JCudaDriver.setExceptionsEnabled(true);
            new Program().run();
            cudaDeviceReset();
            new Program().run(); // The runtime made itself anew.
            System.out.println("done");
        }

        void run() {
            describesTheDevice();
            cudaStreamCreate(stream);
            copies();
            copiesRows();
            launches();
            sharesMemoryWithTheHost();
            callsBack();
            ordersStreams();
            refuses();
            cudaStreamDestroy(stream);
        }

        private void describesTheDevice() {
            int[] count = new int[1];
            cudaGetDeviceCount(count);
            assertEquals(1, count[0]);
            cudaRuntimeGetVersion(count);
            assertEquals(12, count[0] / 1000); // That in JCuda 12.
            cudaDeviceProp properties = new cudaDeviceProp();
            cudaGetDeviceProperties(properties, 0);
            assertEquals("Framecast software device", properties.getName());
            assertEquals(86, 10 * properties.major + properties.minor);
            assertEquals(32, properties.warpSize);
            assertEquals(1024, properties.maxThreadsPerBlock);
            assertEquals(49152, properties.sharedMemPerBlock);
            assertEquals(1, properties.canMapHostMemory);
            assertEquals(1, properties.managedMemory);
        }

        private int[] read(Pointer from) {
            int[] read = new int[COUNT];
            cudaMemcpy(Pointer.to(read), from, 4L * COUNT, cudaMemcpyDeviceToHost);
            return read;
        }

        private Pointer filled() {
            Pointer memory = new Pointer();
            cudaMalloc(memory, 4L * COUNT);
            cudaMemcpy(memory, Pointer.to(numbers), 4L * COUNT, cudaMemcpyHostToDevice);
            return memory;
        }

        private void copies() {
            Pointer a = filled();
            Pointer b = new Pointer();
            cudaMalloc(b, 4L * COUNT);
            cudaMemset(b, 0x01, 4L * COUNT);
            assertEquals(0x01010101, read(b)[COUNT - 1]);
            cudaMemcpyAsync(b, a, 4L * COUNT, cudaMemcpyDeviceToDevice, stream);
            cudaStreamSynchronize(stream);
            assertArrayEquals(numbers, read(b));
            cudaFree(a);
            cudaFree(b);
        }

        /** Columns 4 to 6 of 10 columns and 3 rows, out of pitched memory. */
        private void copiesRows() {
            Pointer memory = new Pointer();
            long[] pitch = new long[1];
            cudaMallocPitch(memory, pitch, 40, 3);
            cudaMemset2D(memory, pitch[0], 0, 40, 3);
            cudaMemcpy2D(memory, pitch[0], Pointer.to(numbers), 40, 40, 3, cudaMemcpyHostToDevice);
            int[] part = new int[9];
            cudaMemcpy2D(Pointer.to(part), 12, memory.withByteOffset(16), pitch[0], 12, 3, cudaMemcpyDeviceToHost);
            assertArrayEquals(IntStream.range(0, 9).map(i -> numbers[10 * (i / 3) + 4 + i % 3]).toArray(), part);
            cudaFree(memory);
        }

        /** Both APIs share the primary context, memory and streams. */
        private void twice(Pointer memory) {
            CUmodule module = new CUmodule();
            JCudaDriver.cuModuleLoadData(module, (PTX + '\0').getBytes(StandardCharsets.US_ASCII));
            CUfunction function = new CUfunction();
            JCudaDriver.cuModuleGetFunction(function, module, "twice");
            Pointer parameters = Pointer.to(Pointer.to(memory), Pointer.to(new int[] {COUNT}));
            JCudaDriver.cuLaunchKernel(function, 8, 1, 1, 128, 1, 1, 0, new CUstream(stream), parameters, null);
            cudaStreamSynchronize(stream);
            JCudaDriver.cuModuleUnload(module);
        }

        private int[] twiceNumbers() {
            return IntStream.range(0, COUNT).map(i -> 2 * numbers[i] + i).toArray();
        }

        private void launches() {
            Pointer memory = filled();
            twice(memory);
            assertArrayEquals(twiceNumbers(), read(memory));
            cudaFree(memory);
        }

        private void sharesMemoryWithTheHost() {
            Pointer pinned = new Pointer();
            Pointer mapped = new Pointer();
            cudaHostAlloc(pinned, 4L * COUNT, cudaHostAllocMapped);
            cudaHostGetDevicePointer(mapped, pinned, 0);
            assertShared(pinned, mapped, cudaMemoryType.cudaMemoryTypeHost);
            cudaFreeHost(pinned);

            Pointer managed = new Pointer();
            cudaMallocManaged(managed, 4L * COUNT, cudaMemAttachHost); // JCuda gives its bytes with this flag only.
            cudaStreamAttachMemAsync(stream, managed, 0, cudaMemAttachSingle);
            cudaMemPrefetchAsync(managed, 4L * COUNT, 0, stream);
            assertShared(managed, managed, cudaMemoryType.cudaMemoryTypeManaged);
            cudaFree(managed);
        }

        private void assertShared(Pointer host, Pointer device, int type) {
            cudaPointerAttributes attributes = new cudaPointerAttributes();
            cudaPointerGetAttributes(attributes, host);
            assertEquals(type, attributes.type);
            ByteBuffer bytes = host.getByteBuffer(0, 4L * COUNT).order(ByteOrder.nativeOrder());
            bytes.asIntBuffer().put(numbers);
            twice(device);
            int[] read = new int[COUNT];
            bytes.asIntBuffer().get(read);
            assertArrayEquals(twiceNumbers(), read);
        }

        private void callsBack() {
            Pointer memory = filled();
            int[] read = new int[COUNT];
            List<String> called = Collections.synchronizedList(new ArrayList<>());
            cudaMemcpyAsync(Pointer.to(read), memory, 4L * COUNT, cudaMemcpyDeviceToHost, stream);
            cudaStreamAddCallback(stream, (where, status, data) -> called.add(data + " " + status + " " + read[1]),
                    "callback", 0);
            cudaLaunchHostFunc(stream, data -> called.add(data.toString()), "function");
            cudaStreamSynchronize(stream);
            assertEquals(List.of("callback 0 4", "function"), called);
            cudaFree(memory);
        }

        private void ordersStreams() {
            cudaStream_t other = new cudaStream_t();
            cudaEvent_t start = new cudaEvent_t();
            cudaEvent_t end = new cudaEvent_t();
            cudaStreamCreate(other);
            cudaEventCreate(start);
            cudaEventCreate(end);
            Pointer memory = filled();
            cudaEventRecord(start, stream);
            cudaMemcpyAsync(memory, Pointer.to(new int[] {1234}), 4, cudaMemcpyHostToDevice, stream);
            cudaEventRecord(end, stream);
            cudaStreamWaitEvent(other, end, 0);
            int[] read = new int[1];
            cudaMemcpyAsync(Pointer.to(read), memory, 4, cudaMemcpyDeviceToHost, other);
            cudaStreamSynchronize(other);
            assertEquals(1234, read[0]);
            cudaEventSynchronize(end);
            assertEquals(cudaError.cudaSuccess, cudaEventQuery(end));
            assertEquals(cudaError.cudaSuccess, cudaStreamQuery(stream));
            float[] ms = {-1};
            cudaEventElapsedTime(ms, start, end);
            assertTrue(ms[0] >= 0);
            cudaFree(memory);
            cudaEventDestroy(start);
            cudaEventDestroy(end);
            cudaStreamDestroy(other);
            cudaDeviceSynchronize();
        }

        /** An error is the runtime's, and the next call succeeds. */
        private void refuses() {
            List<Executable> calls = List.of(() -> cudaMalloc(new Pointer(), 1L << 45), JCuda::cudaGetLastError);
            for (Executable call : calls) {
                assertEquals("cudaErrorMemoryAllocation", assertThrows(CudaException.class, call).getMessage());
            }
            JCuda.cudaGetLastError();
            cudaDeviceSynchronize();
        }
    }
}
