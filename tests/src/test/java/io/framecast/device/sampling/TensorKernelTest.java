package io.framecast.device.sampling;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.framecast.backend.TestDevice;
import io.framecast.backend.cuda.compiler.KernelResources;
import io.framecast.backend.cuda.compiler.TestCompiler;
import io.framecast.backend.cuda.driver.CudaKernel;
import io.framecast.backend.cuda.driver.CudaKernel.Dim;
import io.framecast.backend.cuda.launch.KernelDevice;
import io.framecast.backend.cuda.launch.ModuleSource;
import io.framecast.softgpu.SoftGpu;
import io.framecast.tools.model.GpuRates;
import io.framecast.tools.model.LaunchTime;
import io.framecast.tools.model.Resource;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * From a kernel on tensor cores, with cp.async and ldmatrix, to the model of its time: all that such a kernel uses is
 * counted, and timed as computed by hand.
 */
class TensorKernelTest {

    private static final int STEPS = 50;
    private static final int MMA = 8;
    private static final int BLOCKS = 1000;

    /**
     * A block has 4 warps. In each of 50 steps a warp copies 512 bytes by cp.async, loads 4 matrices of 8x8 with one
     * ldmatrix, and multiplies 8 times 16x8x16 in bf16. The rows that it copies to and loads from have 16 bytes, one
     * after the other: no bank conflicts. All blocks read the same values.
     */
    private static final String SOURCE = """
            extern "C" __global__ void __launch_bounds__(128) multiply(const int4 *in, float *out) {
                __shared__ __align__(16) int4 s[128];
                float d[4] = {0, 0, 0, 0};
                unsigned a[4], at = (unsigned) __cvta_generic_to_shared(s + threadIdx.x);
                for (int step = 0; step < 50; ++step) {
                    asm volatile("cp.async.cg.shared.global [%0], [%1], 16;"
                                 :: "r"(at), "l"(in + 128 * step + threadIdx.x) : "memory");
                    asm volatile("cp.async.wait_all;" ::: "memory");
                    __syncwarp();
                    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                                 : "=r"(a[0]), "=r"(a[1]), "=r"(a[2]), "=r"(a[3]) : "r"(at));
                    #pragma unroll
                    for (int k = 0; k < 8; ++k)
                        asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 "
                                     "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%4, %5}, {%0, %1, %2, %3};"
                                     : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
                                     : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]));
                    __syncwarp();
                }
                out[blockIdx.x * 128 + threadIdx.x] = d[0] + d[1] + d[2] + d[3];
            }
            """;

    @RegisterExtension
    final KernelDevice device = new KernelDevice();

    @BeforeEach
    void onlyInSoftware() {
        Assumptions.assumeTrue(TestDevice.SOFTWARE);
    }

    private CountedLaunches counted() {
        byte[] ptx = TestCompiler.ptx("test.cu", SOURCE, "compute_80", List.of("--std=c++17"))
                .getBytes(StandardCharsets.UTF_8);
        CudaKernel kernel = device.own(device.get().load("test.cu", ptx)).kernel("multiply");
        kernel.launch(Dim.of(BLOCKS), Dim.of(128), 0, device.memory(new float[4 * 128 * STEPS]),
                device.unwritten(BLOCKS * 128));
        device.get().synchronize();
        List<CounterJson.Shape> shapes = CounterJson.shapes(SoftGpu.countersJson());
        assertEquals(1, shapes.size());
        assertEquals(PtxFingerprint.of(ptx), shapes.get(0).fingerprint());
        List<KernelResources> resources = TestCompiler.resources(SOURCE, "sm_80");
        return CountedLaunches.of(new ModuleSource("test.cu", List.of()), resources.get(0), shapes.get(0));
    }

    @Test
    void isCountedAndTimedAsByHand() {
        CountedLaunches counted = counted();
        long warps = 4 * BLOCKS;
        assertEquals(128, counted.threads());
        assertEquals(2048, counted.sharedBytes());
        assertEquals(warps * STEPS * MMA, counted.tensorOperations());
        assertEquals(Map.of("bf16", warps * STEPS * MMA * 4096), counted.tensorFlop());
        // 4 passes of a copy, and 4 of an ldmatrix.
        assertEquals(warps * STEPS * (4 + 4), counted.wavefronts());
        // The copies of 16 sectors, and the stores of 4.
        assertEquals(warps * (STEPS * 16 + 4), counted.sectors());
        assertEquals(4 * STEPS * 16, counted.sectorsRead());
        assertEquals(warps * 4, counted.sectorsWritten());

        LaunchTime time = LaunchTime.of(counted, GpuRates.A100);
        // Of 1000 blocks on 108 multiprocessors the busiest has 10, of 4 warps each.
        double operations = 40.0 * STEPS * MMA;
        assertEquals(operations * 4096 / (312e12 / 108), time.seconds().get(Resource.TENSOR), 1e-12);
        assertEquals(40.0 * STEPS * 8 / 1.41e9, time.seconds().get(Resource.SHARED), 1e-12);
        assertEquals(BLOCKS * 4 * (STEPS * 16 + 4) * 32 / 5.4e12, time.seconds().get(Resource.L2), 1e-12);
        assertEquals((4.0 * STEPS * 16 + warps * 4) * 32 / 2.039e12, time.seconds().get(Resource.MEMORY), 1e-12);
        // A multiprocessor takes two cycles for an operation: 64 for those of a step of four warps, and 32 for the
        // passes.
        assertEquals(Resource.TENSOR, time.bound());
        LaunchTime h100 = LaunchTime.of(counted, GpuRates.H100);
        assertEquals(8, h100.busiest());
        assertEquals(32.0 * STEPS * MMA * 4096 / (0.62 * 990e12 / 132), h100.seconds().get(Resource.TENSOR), 1e-12);
    }

    @Test
    void aFewBlocksCountTheSame() {
        CountedLaunches full = counted();
        SoftGpu.resetCounters();
        SoftGpu.sample(8, 1);
        try {
            assertEquals(full, counted());
        } finally {
            SoftGpu.sample(0, 1);
        }
    }
}
