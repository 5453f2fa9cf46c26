package io.framecast.backend.cuda.driver;

/**
 * How much of a device's memory is free.
 *
 * @param free in bytes
 * @param total in bytes
 * @param own what this process has allocated there, in bytes
 */
public record MemoryState(long free, long total, long own) {

    /** What a process takes beside its allocations, at most: its context and kernels, and those of CUDA's libraries. */
    private static final long OVERHEAD = 1L << 30;

    /** For messages: "48.0 MiB of 64.0 MiB are free". */
    @Override
    public String toString() {
        long others = total - free - own;
        return DeviceMemory.text(free) + " of " + DeviceMemory.text(total) + " are free"
                + (others > OVERHEAD ? " (other programs hold up to " + DeviceMemory.text(others) + ")" : "");
    }
}
