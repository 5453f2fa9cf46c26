package io.framecast.backend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.framecast.backend.cpu.CpuBackend;
import io.framecast.backend.cuda.CudaBackend;
import io.framecast.cpu.NativeCpu;
import io.framecast.softgpu.SoftGpu;
import io.framecast.tools.check.golden.OpScope;

/** The backend under test and everything that a test creates on it. Close fails if memory is not freed afterwards. */
public final class TestBackend extends OpScope {

    private TestBackend(Backend backend) {
        super(backend);
    }

    public static TestBackend fp32(TestDevice device) {
        return device == TestDevice.CPU ? fp32() : cuda(Convolutions.KERNELS, true);
    }

    /** The CUDA device under test; if it is the software device, with all of its checks. */
    public static TestBackend cuda(Convolutions convolutions, boolean graphs) {
        return cuda(Precision.FP32, convolutions, graphs);
    }

    /** As one of several processes. */
    public static TestBackend fp32(TestDevice device, DataParallel dataParallel) {
        if (device == TestDevice.CPU) {
            return new TestBackend(new CpuBackend(Precision.FP32, 1, dataParallel));
        }
        configure();
        return new TestBackend(new CudaBackend(TestDevice.SOFTWARE, Precision.FP32, Convolutions.KERNELS, true,
                FetchListener.NONE, dataParallel));
    }

    private static void configure() {
        if (TestDevice.SOFTWARE) {
            SoftGpu.configure("checks=all,counters=on");
            SoftGpu.clearReport();
        }
    }

    /** The same in a precision of convolutions. */
    public static TestBackend cuda(Precision precision, Convolutions convolutions, boolean graphs) {
        configure();
        return new TestBackend(new CudaBackend(TestDevice.SOFTWARE, precision, convolutions, graphs));
    }

    /** One thread, so that small tests are fast on a busy machine. Other tests cover more threads. */
    public static TestBackend fp32() {
        return fp32(1);
    }

    public static TestBackend fp32(int threads) {
        return new TestBackend(new CpuBackend(Precision.FP32, threads));
    }

    /**
     * Skips the test if oneDNN does not support it on this processor.
     *
     * @param operands one of the two forms of bfloat16
     */
    public static TestBackend bf16(CpuBackend.Operands operands) {
        NativeCpu.load();
        String isa = NativeCpu.Device.isa();
        assumeTrue(operands == CpuBackend.Operands.ROUNDED || NativeCpu.Device.native_bf16() || isa.contains("avx512"),
                "oneDNN has no bfloat16 convolutions for " + isa);
        return new TestBackend(new CpuBackend(Precision.BF16, 1, operands));
    }

    @Override
    public void close() {
        closeMade();
        Backend backend = get();
        if (backend instanceof CpuBackend cpu) {
            assertEquals(0, cpu.bytesInUse(), "bytes in use after all was closed");
        }
        backend.close();
        if (backend instanceof CudaBackend && TestDevice.SOFTWARE) {
            assertEquals("", SoftGpu.report(), "a report of the device");
            assertEquals("", SoftGpu.liveAllocations(), "what was never freed");
        }
    }
}
