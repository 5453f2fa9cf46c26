package io.framecast.backend.cuda.launch;

import io.framecast.backend.cuda.driver.DeviceMemory;

/** What a call needs of scratch at the same time, in one region: regions of their own begin at the same address. */
public final class ScratchParts implements AutoCloseable {

    private static final long ALIGNMENT = 256;

    private final long[] offsets;
    private final long[] bytes;
    private final DeviceArena.Region region;

    /**
     * @param ofVideos how many parts, the first ones, are proportional to the number of videos in a batch
     * @param bytes of each part; they may be 0
     */
    public ScratchParts(DeviceArena arena, int ofVideos, long... bytes) {
        this.bytes = bytes;
        offsets = new long[bytes.length];
        long end = 0;
        long proportional = 0;
        for (int i = 0; i < bytes.length; i++) {
            offsets[i] = end;
            end = Math.addExact(end, CudaOps.ceilDiv(bytes[i], ALIGNMENT) * ALIGNMENT);
            proportional = i < ofVideos ? end : proportional;
        }
        region = arena.scratch(end, proportional);
    }

    /** A part, aligned to 256 bytes, of undefined content. */
    public DeviceMemory part(int index) {
        return region.memory().view(offsets[index], bytes[index]);
    }

    @Override
    public void close() {
        region.close();
    }
}
