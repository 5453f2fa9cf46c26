package io.framecast.tools.model;

/**
 * What the resident blocks of a multiprocessor share: CUDA C++ Programming Guide, "Technical Specifications per Compute
 * Capability". All have 65536 registers.
 *
 * @param threads the most resident threads
 * @param blocks the most resident blocks
 * @param sharedBytes of shared memory
 * @param reservedBytes of shared memory that the system takes from it for each block
 */
record MultiprocessorLimits(int threads, int blocks, int sharedBytes, int reservedBytes) {

    private static final int WARP = 32;

    /** Registers of a scheduler's warps, which are given to a warp in units. */
    private static final int REGISTERS = 65536 / GpuRates.SCHEDULERS;
    private static final int REGISTER_UNIT = 256;

    /** Shared memory is given to a block in units of so many bytes. */
    private static final int SHARED_UNIT = 128;

    /** The warps of a block. */
    static int warps(int threads) {
        return ceilDiv(threads, WARP);
    }

    /**
     * How many blocks are resident at a time, at least 1.
     *
     * @param blockThreads threads of a block
     * @param registers of a thread
     * @param shared bytes of shared memory of a block
     * @throws IllegalArgumentException if none fits
     */
    int residentBlocks(int blockThreads, int registers, int shared) {
        int warps = warps(blockThreads);
        int ofWarp = ceilDiv(Math.max(registers, 1) * WARP, REGISTER_UNIT) * REGISTER_UNIT;
        int byRegisters = GpuRates.SCHEDULERS * (REGISTERS / ofWarp) / warps;
        int byShared = sharedBytes / (ceilDiv(shared + reservedBytes, SHARED_UNIT) * SHARED_UNIT);
        int resident = Math.min(Math.min(threads / WARP / warps, blocks), Math.min(byRegisters, byShared));
        if (resident < 1) {
            throw new IllegalArgumentException("a block of " + blockThreads + " threads with " + registers
                    + " registers and " + shared + " bytes of shared memory does not fit a multiprocessor");
        }
        return resident;
    }

    private static int ceilDiv(int a, int b) {
        return (a + b - 1) / b;
    }
}
