package io.framecast.backend.cuda.vendor;

import io.framecast.backend.cuda.driver.DeviceMemory;
import io.framecast.backend.cuda.launch.DeviceArena;

/** What a call needs of scratch at the same time, in one region: regions of their own begin at the same address. */
final class ScratchParts implements AutoCloseable {

    private static final long ALIGNMENT = 256;

    private final long[] offsets;
    private final long[] bytes;
    private final DeviceArena.Region region;

    /** @param bytes of each part; they may be 0 */
    ScratchParts(DeviceArena arena, long... bytes) {
        this.bytes = bytes;
        offsets = new long[bytes.length];
        long end = 0;
        for (int i = 0; i < bytes.length; i++) {
            offsets[i] = end;
            end = Math.addExact(end, (bytes[i] + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT);
        }
        region = arena.scratch(end);
    }

    /** A part, aligned to 256 bytes, of undefined content. */
    DeviceMemory part(int index) {
        return region.memory().view(offsets[index], bytes[index]);
    }

    @Override
    public void close() {
        region.close();
    }
}
