package io.framecast.softgpu;

import static io.framecast.softgpu.SoftDevice.check;
import static jcuda.driver.CUresult.CUDA_ERROR_CONTEXT_IS_DESTROYED;
import static jcuda.driver.CUresult.CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED;
import static jcuda.driver.CUresult.CUDA_ERROR_HOST_MEMORY_NOT_REGISTERED;
import static jcuda.driver.CUresult.CUDA_ERROR_ILLEGAL_ADDRESS;
import static jcuda.driver.CUresult.CUDA_ERROR_INVALID_CONTEXT;
import static jcuda.driver.CUresult.CUDA_ERROR_INVALID_DEVICE;
import static jcuda.driver.CUresult.CUDA_ERROR_INVALID_HANDLE;
import static jcuda.driver.CUresult.CUDA_ERROR_INVALID_PTX;
import static jcuda.driver.CUresult.CUDA_ERROR_INVALID_VALUE;
import static jcuda.driver.CUresult.CUDA_ERROR_NOT_FOUND;
import static jcuda.driver.CUresult.CUDA_ERROR_NOT_SUPPORTED;
import static jcuda.driver.CUresult.CUDA_ERROR_NO_BINARY_FOR_GPU;
import static jcuda.driver.CUresult.CUDA_ERROR_OUT_OF_MEMORY;
import static jcuda.driver.CUresult.CUDA_ERROR_UNSUPPORTED_PTX_VERSION;
import static jcuda.driver.CUresult.CUDA_SUCCESS;
import static jcuda.driver.JCudaDriver.*;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.reflect.Field;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntSupplier;
import jcuda.Pointer;
import jcuda.driver.CUDA_ARRAY3D_DESCRIPTOR;
import jcuda.driver.CUDA_MEMCPY2D;
import jcuda.driver.CUcontext;
import jcuda.driver.CUdevice;
import jcuda.driver.CUdeviceptr;
import jcuda.driver.CUevent;
import jcuda.driver.CUfunction;
import jcuda.driver.CUjit_option;
import jcuda.driver.CUmemorytype;
import jcuda.driver.CUmipmappedArray;
import jcuda.driver.CUmodule;
import jcuda.driver.CUpointer_attribute;
import jcuda.driver.CUresult;
import jcuda.driver.CUstream;
import jcuda.driver.JITOptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The driver API: results, refused calls, and error codes. */
class DriverTest {

    private static final CUdevice DEVICE = new CUdevice();

    private static final String COPY = """
            extern "C" __global__ void copy(const int *in, int *out) { out[threadIdx.x] = in[threadIdx.x] + 1; }
            """;

    @RegisterExtension
    final SoftDevice device = new SoftDevice();

    private static void assertResult(int expected, int actual) {
        assertEquals(CUresult.stringFor(expected), CUresult.stringFor(actual), SoftGpu.report());
    }

    /** A call that is refused, with a report about the memory that it was given. */
    private static void assertRefused(int result) {
        assertResult(CUDA_ERROR_INVALID_VALUE, result);
        SoftGpu.clearReport();
    }

    private static int attribute(int attribute) {
        int[] value = new int[1];
        check(cuDeviceGetAttribute(value, attribute, DEVICE));
        return value[0];
    }

    // ---- Device -------------------------------------------------------------------------------------------------

    /** From the CUDA C++ Programming Guide, "Technical Specifications per Compute Capability". */
    @ParameterizedTest
    @CsvSource({
        "75, 1024, 16,  64,  64",
        "80, 2048, 32, 164, 163",
        "86, 1536, 16, 100,  99",
        "89, 1536, 24, 100,  99",
        "90, 2048, 32, 228, 227"})
    void hasTheLimitsOfItsComputeCapability(int compute, int threads, int blocks, int shared, int optIn) {
        CUcontext context = new CUcontext();
        check(cuCtxGetCurrent(context));
        check(cuCtxDestroy(context));
        SoftGpu.configure("compute=" + compute);
        try {
            assertEquals(compute / 10, attribute(75));
            assertEquals(compute % 10, attribute(76));
            assertEquals(threads, attribute(39));
            assertEquals(blocks, attribute(106));
            assertEquals(shared * 1024, attribute(81));
            assertEquals(optIn * 1024, attribute(97));
            // Of a block: threads, dimensions; of the grid; shared, constant memory; warp; registers twice.
            int[] same = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 82};
            int[] expected = {1024, 1024, 1024, 64, Integer.MAX_VALUE, 65535, 65535, 49152, 65536, 32, 65536, 65536};
            assertArrayEquals(expected, Arrays.stream(same).map(DriverTest::attribute).toArray());
        } finally {
            SoftGpu.configure("compute=80");
        }
    }

    @Test
    void keepsComputeCapabilityAndMemoryWhileThereIsAContext() {
        for (String other : new String[] {"compute=90", "memory=1g"}) {
            IllegalArgumentException refused = assertThrows(
                    IllegalArgumentException.class, () -> SoftGpu.configure(other));
            assertTrue(refused.getMessage().contains("while no context exists"), refused.getMessage());
        }
        assertEquals(8, attribute(75));
    }

    @Test
    void isTheOnlyDevice() {
        int[] count = new int[1];
        check(cuDeviceGetCount(count));
        assertEquals(1, count[0]);
        assertResult(CUDA_ERROR_INVALID_DEVICE, cuDeviceGet(new CUdevice(), 1));
        assertResult(CUDA_ERROR_INVALID_VALUE, cuDeviceGetAttribute(new int[1], 0, DEVICE));
        assertResult(CUDA_ERROR_INVALID_VALUE, cuDeviceGetAttribute(new int[1], 9999, DEVICE));
        byte[] name = new byte[64];
        check(cuDeviceGetName(name, name.length, DEVICE));
        assertTrue(new String(name, StandardCharsets.US_ASCII).startsWith("Framecast software device\0"));
        long[] total = new long[1];
        check(cuDeviceTotalMem(total, DEVICE));
        assertEquals(16L << 30, total[0]);
        int[] version = new int[1];
        check(cuDriverGetVersion(version));
        assertTrue(version[0] >= 13010, "nvcc 13.1 asks for 13.1");
    }

    @Test
    void namesEveryError() throws IllegalAccessException {
        int known = 0;
        for (Field constant : CUresult.class.getFields()) {
            if (constant.getType() != int.class || !constant.getName().startsWith("CUDA_")
                    || constant.getName().contains("PEER_MEMORY")) {
                continue;       // JCuda's own, and two that CUDA removed long ago
            }
            String[] name = new String[1];
            String[] text = new String[1];
            assertResult(CUDA_SUCCESS, cuGetErrorName(constant.getInt(null), name));
            check(cuGetErrorString(constant.getInt(null), text));
            assertEquals(constant.getName(), name[0]);
            assertFalse(text[0].isBlank(), name[0]);
            ++known;
        }
        assertTrue(known > 80, known + " errors");
        assertResult(CUDA_ERROR_INVALID_VALUE, cuGetErrorName(12345, new String[1]));
    }

    @Test
    void refusesWhatItDoesNotProvide() {
        IntSupplier[] calls = {
            () -> cuMipmappedArrayCreate(new CUmipmappedArray(), new CUDA_ARRAY3D_DESCRIPTOR(), 1),
            () -> cuStreamWriteValue32(null, device.allocate(4).pointer(), 1, 0)};
        for (IntSupplier call : calls) {
            assertResult(CUDA_ERROR_NOT_SUPPORTED, call.getAsInt());
        }
        assertEquals(3, run(COPY, device.buffer(2))[0]);
    }

    private int[] run(String source, Buffer in) {
        Buffer out = device.allocate(in.size());
        device.kernel(source).launch(1, (int) (in.size() / 4), in, out);
        return out.ints();
    }

    // ---- Contexts -----------------------------------------------------------------------------------------------

    private static CUcontext current() {
        CUcontext context = new CUcontext();
        check(cuCtxGetCurrent(context));
        return context;
    }

    @Test
    void keepsAStackOfContextsForEachThread() throws InterruptedException {
        CUcontext first = current();
        CUcontext second = new CUcontext();
        check(cuCtxCreate(second, 0, DEVICE));
        assertEquals(second, current());
        check(cuCtxPushCurrent(first));
        assertEquals(first, current());
        CUcontext popped = new CUcontext();
        check(cuCtxPopCurrent(popped));
        assertEquals(first, popped);
        assertEquals(second, current());
        AtomicInteger before = new AtomicInteger();
        AtomicInteger after = new AtomicInteger(-1);
        Thread other = new Thread(() -> {
            before.set(cuMemAlloc(new CUdeviceptr(), 4));
            check(cuCtxSetCurrent(second));
            CUdeviceptr pointer = new CUdeviceptr();
            check(cuMemAlloc(pointer, 4));
            after.set(cuMemFree(pointer));
        });
        other.start();
        other.join();
        assertResult(CUDA_ERROR_INVALID_CONTEXT, before.get());
        assertResult(CUDA_SUCCESS, after.get());
        check(cuCtxDestroy(second));
        assertEquals(first, current());
        assertResult(CUDA_ERROR_INVALID_CONTEXT, cuCtxSetCurrent(second));
        assertResult(CUDA_ERROR_INVALID_CONTEXT, cuCtxPushCurrent(second));
        assertResult(CUDA_ERROR_INVALID_CONTEXT, cuCtxDestroy(second));
        check(cuCtxPopCurrent(popped));
        assertResult(CUDA_ERROR_INVALID_CONTEXT, cuCtxSynchronize());
        assertResult(CUDA_ERROR_INVALID_CONTEXT, cuCtxPopCurrent(popped));
        check(cuCtxPushCurrent(first));
    }

    @Test
    void saysThatAThreadsContextWasDestroyedByAnother() throws InterruptedException {
        CUcontext context = new CUcontext();
        check(cuCtxCreate(context, 0, DEVICE));
        Thread other = new Thread(() -> check(cuCtxDestroy(context)));
        other.start();
        other.join();
        assertResult(CUDA_ERROR_CONTEXT_IS_DESTROYED, cuMemAlloc(new CUdeviceptr(), 4));
        check(cuCtxPopCurrent(new CUcontext()));
        check(cuCtxSynchronize());
    }

    @Test
    void refusesHandlesThatAreStaleOrForeign() {
        CUstream stream = new CUstream();
        CUevent event = new CUevent();
        check(cuStreamCreate(stream, 0));
        check(cuEventCreate(event, 0));
        CUfunction mine = device.kernel(COPY).function();
        CUcontext second = new CUcontext();
        check(cuCtxCreate(second, 0, DEVICE));
        Pointer noArguments = Pointer.to(Pointer.to(new long[1]), Pointer.to(new long[1]));
        assertResult(CUDA_ERROR_INVALID_HANDLE, cuLaunchKernel(mine, 1, 1, 1, 1, 1, 1, 0, null, noArguments, null));
        check(cuCtxDestroy(second));
        check(cuStreamDestroy(stream));
        check(cuEventDestroy(event));
        assertResult(CUDA_ERROR_INVALID_HANDLE, cuStreamSynchronize(stream));
        assertResult(CUDA_ERROR_INVALID_HANDLE, cuStreamDestroy(stream));
        assertResult(CUDA_ERROR_INVALID_HANDLE, cuEventRecord(event, null));
        assertResult(CUDA_ERROR_INVALID_HANDLE, cuEventDestroy(event));
    }

    @Test
    void sharesThePrimaryContext() {
        CUcontext first = new CUcontext();
        CUcontext again = new CUcontext();
        check(cuDevicePrimaryCtxRetain(first, DEVICE));
        check(cuDevicePrimaryCtxRetain(again, DEVICE));
        assertEquals(first, again);
        assertResult(CUDA_ERROR_INVALID_CONTEXT, cuCtxDestroy(first));
        int[] active = new int[1];
        check(cuDevicePrimaryCtxRelease(DEVICE));
        check(cuDevicePrimaryCtxGetState(DEVICE, new int[1], active));
        assertEquals(1, active[0]);
        check(cuDevicePrimaryCtxRelease(DEVICE));
        check(cuDevicePrimaryCtxGetState(DEVICE, new int[1], active));
        assertEquals(0, active[0]);
        assertResult(CUDA_ERROR_INVALID_CONTEXT, cuDevicePrimaryCtxRelease(DEVICE));
    }

    @Test
    void failsEveryCallAfterAFaultUntilThereIsANewContext() {
        Kernel kernel = device.kernel(COPY);
        Buffer out = device.allocate(4);
        CUstream stream = new CUstream();
        check(cuStreamCreate(stream, 0));
        device.expectFault(CUDA_ERROR_ILLEGAL_ADDRESS, () -> {
            Pointer arguments = Pointer.to(Pointer.to(new CUdeviceptr()), Pointer.to(out.pointer()));
            check(cuLaunchKernel(kernel.function(), 1, 1, 1, 1, 1, 1, 0, null, arguments, null));
            IntSupplier[] calls = {
                () -> cuCtxSynchronize(), () -> cuMemAlloc(new CUdeviceptr(), 4), () -> cuMemFree(out.pointer()),
                () -> cuMemcpyDtoH(Pointer.to(new int[1]), out.pointer(), 4),
                () -> cuStreamSynchronize(stream), () -> cuStreamCreate(new CUstream(), 0),
                () -> cuLaunchKernel(kernel.function(), 1, 1, 1, 1, 1, 1, 0, null, arguments, null),
                () -> cuCtxSynchronize()};
            for (IntSupplier call : calls) {
                assertResult(CUDA_ERROR_ILLEGAL_ADDRESS, call.getAsInt());
            }
            SoftDevice.synchronize();
        });
        assertEquals(6, run(COPY, device.buffer(5))[0]);
    }

    @Test
    void goesOnAfterACallThatWasOnlyRefused() {
        assertResult(CUDA_ERROR_INVALID_VALUE, cuMemAlloc(new CUdeviceptr(), 0));
        assertResult(CUDA_ERROR_OUT_OF_MEMORY, cuMemAlloc(new CUdeviceptr(), 17L << 30));
        assertEquals(6, run(COPY, device.buffer(5))[0]);
    }

    // ---- Memory -------------------------------------------------------------------------------------------------

    private static long available() {
        long[] available = new long[1];
        long[] total = new long[1];
        check(cuMemGetInfo(available, total));
        assertEquals(16L << 30, total[0]);
        return available[0];
    }

    @Test
    void tellsHowMuchMemoryIsLeft() {
        long before = available();
        CUdeviceptr small = new CUdeviceptr();
        CUdeviceptr large = new CUdeviceptr();
        check(cuMemAlloc(small, 1000));
        check(cuMemAlloc(large, 3L << 30));
        assertTrue(available() <= before - (3L << 30) - 1000 && available() > before - (3L << 30) - 65536);
        assertResult(CUDA_ERROR_OUT_OF_MEMORY, cuMemAlloc(new CUdeviceptr(), before - (3L << 30)));
        check(cuMemFree(small));
        check(cuMemFree(large));
        assertEquals(before, available());
    }

    @Test
    void copiesRectangles() {
        int pitch = 40;
        byte[] from = new byte[7 * 20];
        for (int b = 0; b < from.length; ++b) {
            from[b] = (byte) (b + 1);
        }
        byte[] expected = new byte[9 * pitch];
        Buffer target = device.buffer(new byte[9 * pitch]);
        // 11 bytes of 4 rows, from (3,2) of rows of 20 bytes to (5,1) of rows of 40.
        CUDA_MEMCPY2D copy = new CUDA_MEMCPY2D();
        copy.srcMemoryType = CUmemorytype.CU_MEMORYTYPE_HOST;
        copy.srcHost = Pointer.to(from);
        copy.srcPitch = 20;
        copy.srcXInBytes = 3;
        copy.srcY = 2;
        copy.dstMemoryType = CUmemorytype.CU_MEMORYTYPE_DEVICE;
        copy.dstDevice = target.pointer();
        copy.dstPitch = pitch;
        copy.dstXInBytes = 5;
        copy.dstY = 1;
        copy.WidthInBytes = 11;
        copy.Height = 4;
        check(cuMemcpy2D(copy));
        for (int y = 0; y < 4; ++y) {
            System.arraycopy(from, (2 + y) * 20 + 3, expected, (1 + y) * pitch + 5, 11);
        }
        assertArrayEquals(expected, target.bytes());
        // Within the device, to other rows, and back to the host.
        CUDA_MEMCPY2D move = new CUDA_MEMCPY2D();
        move.srcMemoryType = CUmemorytype.CU_MEMORYTYPE_DEVICE;
        move.srcDevice = target.pointer();
        move.srcPitch = pitch;
        move.srcXInBytes = 4;
        move.dstMemoryType = CUmemorytype.CU_MEMORYTYPE_DEVICE;
        move.dstDevice = target.pointer();
        move.dstPitch = pitch;
        move.dstXInBytes = 20;
        move.dstY = 5;
        move.WidthInBytes = 14;
        move.Height = 4;
        check(cuMemcpy2D(move));
        for (int y = 0; y < 4; ++y) {
            System.arraycopy(expected.clone(), y * pitch + 4, expected, (5 + y) * pitch + 20, 14);
        }
        assertArrayEquals(expected, target.bytes());
        copy.srcPitch = 13;
        assertResult(CUDA_ERROR_INVALID_VALUE, cuMemcpy2D(copy));
        move.Height = 5;
        assertRefused(cuMemcpy2D(move));
        // A pitch of which a multiple is a small number again.
        move.Height = 3;
        move.srcPitch = 1L << 63;
        assertRefused(cuMemcpy2D(move));
        assertRefused(cuMemsetD2D8(target.pointer(), 1L << 63, (byte) 0, 3, 3));
        assertRefused(cuMemsetD32(target.pointer(), 0, 1L << 62));
    }

    @Test
    void setsMemoryInElementsAndRectangles() {
        Buffer bytes = device.buffer(new byte[64]);
        byte[] expected = new byte[64];
        ByteBuffer view = ByteBuffer.wrap(expected).order(ByteOrder.LITTLE_ENDIAN);
        check(cuMemsetD8(bytes.at(1), (byte) 0x7f, 3));
        Arrays.fill(expected, 1, 4, (byte) 0x7f);
        check(cuMemsetD16(bytes.at(6), (short) 0x1234, 2));
        view.putShort(6, (short) 0x1234).putShort(8, (short) 0x1234);
        check(cuMemsetD32(bytes.at(12), 0x89abcdef, 1));
        view.putInt(12, 0x89abcdef);
        check(cuMemsetD2D8(bytes.at(16), 16, (byte) 5, 3, 2));
        check(cuMemsetD2D16(bytes.at(20), 16, (short) -2, 1, 2));
        check(cuMemsetD2D32(bytes.at(24), 16, -3, 2, 2));
        for (int row = 16; row <= 32; row += 16) {
            view.put(row, new byte[] {5, 5, 5}).putShort(row + 4, (short) -2).putInt(row + 8, -3).putInt(row + 12, -3);
        }
        CUstream stream = new CUstream();
        check(cuStreamCreate(stream, 0));
        check(cuMemsetD32Async(bytes.at(52), 9, 2, stream));
        check(cuMemsetD8Async(bytes.at(52), (byte) 1, 1, stream));
        check(cuStreamSynchronize(stream));
        check(cuStreamDestroy(stream));
        view.putInt(52, 9).putInt(56, 9).put(52, (byte) 1);
        assertArrayEquals(expected, bytes.bytes());
        assertResult(CUDA_ERROR_INVALID_VALUE, cuMemsetD32(bytes.at(2), 0, 1));
        assertResult(CUDA_ERROR_INVALID_VALUE, cuMemsetD16(bytes.at(1), (short) 0, 1));
        assertResult(CUDA_ERROR_INVALID_VALUE, cuMemsetD2D32(bytes.pointer(), 4, 0, 2, 2));
        check(cuMemsetD8(bytes.pointer(), (byte) 0, 0));
    }

    private static int attribute(int attribute, CUdeviceptr pointer) {
        int[] value = new int[1];
        check(cuPointerGetAttribute(Pointer.to(value), attribute, pointer));
        return value[0];
    }

    @Test
    void knowsWhereAnAddressLies() {
        Buffer buffer = device.allocate(1000);
        CUdeviceptr start = new CUdeviceptr();
        long[] bytes = new long[1];
        check(cuMemGetAddressRange(start, bytes, buffer.at(999)));
        assertEquals(buffer.pointer(), start);
        assertEquals(1000, bytes[0]);
        assertResult(CUDA_ERROR_NOT_FOUND, cuMemGetAddressRange(start, bytes, buffer.at(1000)));
        int type = CUpointer_attribute.CU_POINTER_ATTRIBUTE_MEMORY_TYPE;
        assertEquals(CUmemorytype.CU_MEMORYTYPE_DEVICE, attribute(type, buffer.at(5)));
        Pointer host = new Pointer();
        check(cuMemAllocHost(host, 64));
        CUdeviceptr mapped = new CUdeviceptr();
        check(cuMemHostGetDevicePointer(mapped, host, 0));
        assertEquals(CUmemorytype.CU_MEMORYTYPE_HOST, attribute(type, mapped));
        check(cuMemFreeHost(host));
        assertResult(CUDA_ERROR_INVALID_VALUE, cuPointerGetAttribute(Pointer.to(new int[1]), type, mapped));
        assertResult(CUDA_ERROR_INVALID_VALUE, cuPointerGetAttribute(Pointer.to(new int[1]), type, new CUdeviceptr()));
    }

    @Test
    void letsKernelsReachPinnedHostMemory() {
        Pointer host = new Pointer();
        check(cuMemHostAlloc(host, 64, CU_MEMHOSTALLOC_DEVICEMAP));
        ByteBuffer view = host.getByteBuffer(0, 64).order(ByteOrder.nativeOrder());
        for (int i = 0; i < 16; ++i) {
            view.putInt(4 * i, 100 * i);
        }
        CUdeviceptr mapped = new CUdeviceptr();
        check(cuMemHostGetDevicePointer(mapped, host, 0));
        device.kernel(COPY).launch(1, 16, mapped, mapped);
        assertEquals(1501, view.getInt(60));
        assertRefused(cuMemFree(mapped));
        check(cuMemFreeHost(host));
        assertRefused(cuMemFreeHost(host));
    }

    @Test
    void letsKernelsReachRegisteredHostMemory() {
        ByteBuffer memory = ByteBuffer.allocateDirect(64).order(ByteOrder.nativeOrder());
        Pointer host = Pointer.to(memory);
        memory.putInt(0, 41);
        check(cuMemHostRegister(host, 64, CU_MEMHOSTREGISTER_DEVICEMAP));
        assertResult(CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED, cuMemHostRegister(host, 8, 0));
        CUdeviceptr mapped = new CUdeviceptr();
        check(cuMemHostGetDevicePointer(mapped, host, 0));
        device.kernel(COPY).launch(1, 1, mapped, mapped);
        assertEquals(42, memory.getInt(0));
        Kernel copy = device.kernel(COPY);
        Buffer out = device.allocate(128);
        check(cuMemHostUnregister(host));
        assertResult(CUDA_ERROR_HOST_MEMORY_NOT_REGISTERED, cuMemHostUnregister(host));
        String report = device.expectFault(CUDA_ERROR_ILLEGAL_ADDRESS, () -> copy.launch(1, 1, mapped, out));
        assertTrue(report.contains("a host pointer"), report);
    }

    @Test
    void endsARegisteredRangeWhereItEnds() {
        ByteBuffer memory = ByteBuffer.allocateDirect(128).order(ByteOrder.nativeOrder());
        check(cuMemHostRegister(Pointer.to(memory), 64, 0));
        CUdeviceptr mapped = new CUdeviceptr();
        check(cuMemHostGetDevicePointer(mapped, Pointer.to(memory), 0));
        Kernel copy = device.kernel(COPY);
        Buffer out = device.allocate(128);
        copy.launch(1, 16, mapped, out);
        device.expectFault(CUDA_ERROR_ILLEGAL_ADDRESS, () -> copy.launch(1, 17, mapped, out));
    }

    // ---- Modules ------------------------------------------------------------------------------------------------

    @Test
    void findsTheVariablesOfAModule() {
        Module module = device.module("""
                __device__ int table[4] = {1, 2, 3, 4};
                __constant__ int factor = 7;
                __device__ int *here = table + 1;
                __device__ long long zero;
                extern "C" __global__ void use(int *out) {
                    out[threadIdx.x] = factor * table[threadIdx.x] + here[0] + (int) zero;
                    table[threadIdx.x] += 10;
                }
                """.replace("__device__ ", "extern \"C\" __device__ ").replace("__constant__ ",
                "extern \"C\" __constant__ "));
        Buffer out = device.allocate(16);
        module.kernel("use").launch(1, 4, out);
        assertArrayEquals(new int[] {9, 16, 23, 30}, out.ints());
        assertArrayEquals(new int[] {11, 12, 13, 14}, module.variable("table").ints());
        assertEquals(8, module.variable("zero").size());
        check(cuMemcpyHtoD(module.variable("factor").pointer(), Pointer.to(new int[] {100}), 4));
        module.kernel("use").launch(1, 4, out);
        assertArrayEquals(new int[] {1112, 1212, 1312, 1412}, out.ints());
    }

    @Test
    void refusesWhatAModuleDoesNotHave() {
        CUmodule module = new CUmodule();
        check(cuModuleLoadData(module, image(device.compile(COPY))));
        CUfunction function = new CUfunction();
        check(cuModuleGetFunction(function, module, "copy"));
        assertResult(CUDA_ERROR_NOT_FOUND, cuModuleGetFunction(new CUfunction(), module, "other"));
        assertResult(CUDA_ERROR_NOT_FOUND, cuModuleGetGlobal(new CUdeviceptr(), new long[1], module, "other"));
        check(cuModuleUnload(module));
        assertResult(CUDA_ERROR_INVALID_HANDLE, cuModuleUnload(module));
        assertResult(CUDA_ERROR_INVALID_HANDLE, cuModuleGetFunction(new CUfunction(), module, "copy"));
        Pointer arguments = Pointer.to(Pointer.to(new long[1]), Pointer.to(new long[1]));
        assertResult(CUDA_ERROR_INVALID_HANDLE,
                cuLaunchKernel(function, 1, 1, 1, 1, 1, 1, 0, null, arguments, null));
    }

    private static byte[] image(String ptx) {
        return (ptx + '\0').getBytes(StandardCharsets.UTF_8);
    }

    @Test
    void saysInTheLogWhatIsWrongWithPtx() {
        String ptx = device.compile(COPY);
        String broken = ptx.replaceFirst("ld\\.global(\\.nc)?\\.u32", "ld.global.q32");
        assertNotEquals(ptx, broken);
        JITOptions options = new JITOptions();
        options.putInt(CUjit_option.CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES, 1000);
        options.putBytes(CUjit_option.CU_JIT_ERROR_LOG_BUFFER, new byte[1000]);
        assertResult(CUDA_ERROR_INVALID_PTX, cuModuleLoadDataJIT(new CUmodule(), Pointer.to(image(broken)), options));
        int line = 1 + (int) broken.substring(0, broken.indexOf("ld.global.q32")).lines().count() - 1;
        String log = options.getString(CUjit_option.CU_JIT_ERROR_LOG_BUFFER);
        assertTrue(log.contains("q32") && log.contains("line " + line), "line " + line + ": " + log);
    }

    @Test
    void refusesPtxOfAnotherDeviceOrVersion() {
        String ptx = device.compile(COPY);
        String[] images = {
            ptx.replace(".target sm_80", ".target sm_90"), ptx.replaceFirst("\\.version \\d+\\.\\d+", ".version 9.9"),
            "this is no PTX", "\u007fELF", ""};
        int[] results = {
            CUDA_ERROR_NO_BINARY_FOR_GPU, CUDA_ERROR_UNSUPPORTED_PTX_VERSION, CUDA_ERROR_INVALID_PTX,
            CUDA_ERROR_NO_BINARY_FOR_GPU, CUDA_ERROR_INVALID_PTX};
        for (int i = 0; i < images.length; ++i) {
            assertResult(results[i], cuModuleLoadData(new CUmodule(), image(images[i])));
        }
        check(cuModuleUnload(loaded(ptx.replace(".target sm_80", ".target sm_75"))));
    }

    private static CUmodule loaded(String ptx) {
        CUmodule module = new CUmodule();
        check(cuModuleLoadData(module, image(ptx)));
        return module;
    }

    @Test
    void copiesBetweenContextsOfTheOneDevice() {
        CUcontext own = new CUcontext(), other = new CUcontext();
        check(cuCtxGetCurrent(own));
        Buffer from = device.buffer(1, 2, 3, 4);
        check(cuCtxCreate(other, 0, new CUdevice()));
        CUdeviceptr to = new CUdeviceptr();
        check(cuMemAlloc(to, 16));
        check(cuMemcpyPeer(to, other, from.pointer(), own, 16));
        check(cuMemcpyPeerAsync(to, other, from.at(8), own, 8, null));
        int[] read = new int[4];
        check(cuMemcpyDtoH(Pointer.to(read), to, 16));
        assertArrayEquals(new int[] {3, 4, 3, 4}, read);
        assertEquals(CUDA_ERROR_INVALID_CONTEXT, cuMemcpyPeer(to, other, from.pointer(), new CUcontext(), 16));
        check(cuMemFree(to));
        check(cuCtxDestroy(other));
    }
}
