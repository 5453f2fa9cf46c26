package io.framecast.tools.model;

import io.framecast.backend.Precision;
import java.util.Map;

/**
 * What a GPU does at best, by published figures: for dense matrices, at the boost clock that the published peaks are
 * for.
 *
 * <p>Sources. [W] NVIDIA's whitepapers "A100 Tensor Core GPU Architecture", "H100 Tensor Core GPU Architecture" and
 * "Ada GPU Architecture", and the data sheets of the boards. [G] CUDA C++ Programming Guide, "Throughput of Native
 * Arithmetic Instructions" (results of a multiprocessor in a clock cycle) and "Technical Specifications per Compute
 * Capability". [L] Luo et al., "Dissecting the NVIDIA Hopper Architecture through Microbenchmarking and Multiple Level
 * Analysis", arXiv 2501.12084. [J] Jia et al., "Dissecting the NVIDIA Volta GPU Architecture via Microbenchmarking",
 * arXiv 1804.06826. [B] te42kyfo, gpu-benches on GitHub, gpu-l2-cache: the measured bandwidth of reads from the level 2
 * cache, for data sets larger than the level 1 caches. NVIDIA gives that of the A100 only, 5120 bytes a cycle or 7.2
 * TB/s [W], of which [B] finds 5.4.
 */
public enum GpuRates {

    /**
     * H100 SXM5, 80 GB. Peaks of 990 TFLOP/s (bf16) and 495 (tf32) are wgmma's; mma.sync, which our kernels use,
     * reaches about 62 % of them [L]. 67 TFLOP/s in fp32 are for 1.98 GHz [W]. The level 2 cache is that of the H200 in
     * [B], which has the same chip, multiprocessors and clock.
     */
    H100("H100 SXM", 90, 132, 1.98e9, tensor(0.62 * 990e12, 0.62 * 495e12), 128, 64, 9.8e12, 3.35e12,
            80L << 30, new MultiprocessorLimits(2048, 32, 228 << 10, 1 << 10)),

    /** A100 SXM4, 80 GB: 19.5 TFLOP/s in fp32, 2039 GB/s [W]. */
    A100("A100 SXM", 80, 108, 1.41e9, tensor(312e12, 156e12), 64, 32, 5.4e12, 2.039e12,
            80L << 30, new MultiprocessorLimits(2048, 32, 164 << 10, 1 << 10)),

    /**
     * GeForce RTX 4090: 82.6 TFLOP/s in fp32, 1008 GB/s [W]. On tensor cores with sums in fp32, bf16 has half the rate
     * of sums in fp16. The level 2 cache is that of the L40 in [B], which has the same chip at nearly the same clock.
     */
    RTX4090("GeForce RTX 4090", 89, 128, 2.52e9, tensor(165.2e12, 82.6e12), 128, 2, 5.2e12, 1.008e12,
            24L << 30, new MultiprocessorLimits(1536, 24, 100 << 10, 1 << 10));

    /** Schedulers of a multiprocessor, each of which issues an instruction of a warp in a cycle [W]. */
    static final int SCHEDULERS = 4;

    /** Bytes that shared memory reads or writes in a cycle, for each multiprocessor: 32 banks of 4 [G]. */
    static final int SHARED_BYTES = 128;

    /** Results of reciprocals, square roots, exponentials, logarithms, sines in a cycle, for a multiprocessor [G]. */
    static final int SPECIAL = 16;

    /** Bytes that a multiprocessor takes from the level 2 cache in a cycle at most [J]. */
    static final int L2_PORT_BYTES = 64;

    /**
     * Seconds that a launch takes beyond its work. Our estimate: half a microsecond between two kernels of a CUDA graph
     * (NVIDIA's blog "Getting Started with CUDA Graphs": 3.4 us for each kernel of 2.9), and one and a half until the
     * first blocks run and after the last ones have ended, which is what an empty kernel takes.
     */
    static final double LAUNCH_SECONDS = 2e-6;

    private final String board;
    private final int computeCapability;
    private final int multiprocessors;
    private final double clock;
    private final Map<String, Double> tensor;
    private final int fp32;
    private final int fp64;
    private final double l2;
    private final double memory;
    private final long memoryBytes;
    private final MultiprocessorLimits limits;

    /**
     * @param clock in Hz
     * @param tensor flop in a second of mma.sync, by the type of the operands
     * @param fp32 multiply-adds in a cycle, for a multiprocessor [G]
     * @param fp64 likewise [G]
     * @param l2 bytes in a second
     * @param memory bytes in a second
     */
    GpuRates(String board, int computeCapability, int multiprocessors, double clock, Map<String, Double> tensor,
            int fp32, int fp64, double l2, double memory, long memoryBytes, MultiprocessorLimits limits) {
        this.board = board;
        this.computeCapability = computeCapability;
        this.multiprocessors = multiprocessors;
        this.clock = clock;
        this.tensor = tensor;
        this.fp32 = fp32;
        this.fp64 = fp64;
        this.l2 = l2;
        this.memory = memory;
        this.memoryBytes = memoryBytes;
        this.limits = limits;
    }

    /** Halves are as fast as bfloat16. */
    private static Map<String, Double> tensor(double bf16, double tf32) {
        return Map.of("bf16", bf16, "f16", bf16, "tf32", tf32);
    }

    /** The name of the board. */
    public String board() {
        return board;
    }

    /** Ten times the major version, plus the minor. */
    public int computeCapability() {
        return computeCapability;
    }

    /** How many there are. */
    public int multiprocessors() {
        return multiprocessors;
    }

    /** Bytes of device memory. */
    public long memoryBytes() {
        return memoryBytes;
    }

    /** Cycles in a second. */
    double clock() {
        return clock;
    }

    /**
     * Flop in a second of mma.sync on the whole GPU.
     *
     * @throws IllegalArgumentException if there is no rate for operands of this type
     */
    double tensor(String type) {
        Double rate = tensor.get(type);
        if (rate == null) {
            throw new IllegalArgumentException("there is no rate for tensor-core operations on " + type);
        }
        return rate;
    }

    /** Multiply-adds of a multiprocessor in a cycle, in fp32. */
    int fp32() {
        return fp32;
    }

    /** Multiply-adds of a multiprocessor in a cycle, in fp64. */
    int fp64() {
        return fp64;
    }

    /** Bytes in a second. */
    double l2() {
        return l2;
    }

    /** Bytes in a second. */
    double memory() {
        return memory;
    }

    MultiprocessorLimits limits() {
        return limits;
    }

    /** Flop in a second of convolutions at their best in a precision: of multiply-adds, or of mma.sync. */
    double peak(Precision precision) {
        return switch (precision) {
            case FP32 -> 2.0 * fp32 * multiprocessors * clock;
            case BF16 -> tensor("bf16");
            case TF32 -> tensor("tf32");
        };
    }
}
