package io.framecast.backend.cuda.launch;

import static io.framecast.backend.cuda.driver.DeviceMemory.text;

import io.framecast.Remedy;
import io.framecast.backend.cuda.driver.CudaDevice;
import io.framecast.backend.cuda.driver.CudaException;
import io.framecast.backend.cuda.driver.DeviceMemory;
import io.framecast.backend.cuda.driver.MemoryState;
import java.util.ArrayList;
import java.util.List;
import jcuda.driver.CUresult;

/**
 * A bump allocator for device memory, with one cuMemAlloc at first use. All regions that are reserved before one of
 * them is first used, such as those of a model, are one allocation. So a model that does not fit is refused before
 * anything is computed, with the batch that would fit, and no training step allocates. The allocation is freed when
 * all its regions are closed.
 *
 * <p>Scratch regions share memory: their content is undefined when the next op is called.
 */
public final class DeviceArena {

    private static final long ALIGNMENT = 256;

    /** In place of an offset: scratch begins where the other regions end. */
    private static final long SCRATCH = -1;

    private final CudaDevice device;
    private Block planned;
    private long allocated;
    private long peak;

    DeviceArena(CudaDevice device) {
        this.device = device;
    }

    /** A part of an allocation. */
    public final class Region implements AutoCloseable {
        private final Block block;
        private final long offset;
        private final long bytes;
        private boolean closed;

        private Region(Block block, long offset, long bytes) {
            this.block = block;
            this.offset = offset;
            this.bytes = bytes;
            block.open++;
        }

        boolean isClosed() {
            return closed;
        }

        /**
         * The memory, which the first call for any region of the allocation allocates.
         *
         * @throws CudaException if there is not enough; the message says how much is needed and which batch would fit
         * @throws IllegalStateException if it is closed
         */
        public DeviceMemory memory() {
            if (closed) {
                throw new IllegalStateException("the device memory of this tensor or op is closed");
            }
            block.allocate();
            return block.memory.view(offset == SCRATCH ? block.size : offset, bytes);
        }

        @Override
        public void close() {
            if (!closed) {
                closed = true;
                block.regionClosed();
            }
        }
    }

    /** The regions of one allocation. */
    private final class Block {
        private final List<Region> zeroed = new ArrayList<>();
        private long size;
        private long scratch;
        private double perVideo;
        /** The part of the scratch memory that is proportional to the videos. */
        private long scratchOfVideos;
        private int videos;
        private int open;
        private DeviceMemory memory;

        void allocate() {
            if (memory != null) {
                return;
            }
            try {
                memory = device.allocate(Math.max(size + scratch, ALIGNMENT));
            } catch (CudaException e) {
                throw e.result() == CUresult.CUDA_ERROR_OUT_OF_MEMORY ? tooLarge() : e;
            }
            if (planned == this) {
                planned = null;
            }
            allocated += memory.bytes();
            peak = Math.max(peak, allocated);
            for (Region region : zeroed) {
                memory.view(region.offset, region.bytes).clear();
            }
        }

        private CudaException tooLarge() {
            MemoryState state = device.memoryState();
            long need = size + scratch;
            String wanted = "The model needs " + text(need) + " of device memory"
                    + (videos > 0 ? " for a batch of " + videos : "") + ", and " + state + "; ";
            double each = perVideo + (videos == 0 ? 0 : (double) scratchOfVideos / videos);
            long fits = each == 0 ? 0 : (long) ((state.free() - (need - each * videos)) / each);
            return fits >= 1 && fits < videos
                    ? new CudaException(CUresult.CUDA_ERROR_OUT_OF_MEMORY, wanted + "a batch of " + fits
                            + " would fit.", Remedy.SMALLER_BATCH)
                    : new CudaException(CUresult.CUDA_ERROR_OUT_OF_MEMORY, wanted
                            + "use shorter videos or a smaller model, or end other programs on the GPU.");
        }

        void regionClosed() {
            if (--open > 0) {
                return;
            }
            if (planned == this) {
                planned = null;
            }
            if (memory != null) {
                allocated -= memory.bytes();
                memory.close();
            }
        }
    }

    /** Reserves memory of undefined content. */
    public Region reserve(long bytes) {
        Block block = planned();
        Region region = new Region(block, block.size, bytes);
        block.size = Math.addExact(block.size, aligned(bytes));
        return region;
    }

    /** The same, of a size that is proportional to {@code videos}, the number of videos in a batch. */
    public Region reserve(long bytes, int videos) {
        Region region = reserve(bytes);
        region.block.videos = Math.max(region.block.videos, videos);
        region.block.perVideo += (double) aligned(bytes) / videos;
        return region;
    }

    /** Reserves memory that is zero at first. */
    public Region reserveZeros(long bytes) {
        Region region = reserve(bytes);
        region.block.zeroed.add(region);
        return region;
    }

    /** The same, of a size that is proportional to {@code videos}. */
    public Region reserveZeros(long bytes, int videos) {
        Region region = reserve(bytes, videos);
        region.block.zeroed.add(region);
        return region;
    }

    /** Reserves memory that all ops share, one call after the other. */
    public Region scratch(long bytes) {
        return scratch(bytes, 0);
    }

    /** The same. @param ofVideos how many of the bytes are proportional to the number of videos in a batch */
    public Region scratch(long bytes, long ofVideos) {
        Block block = planned();
        if (aligned(bytes) > block.scratch) {
            block.scratch = aligned(bytes);
            block.scratchOfVideos = ofVideos;
        }
        return new Region(block, SCRATCH, bytes);
    }

    /** The most bytes that were allocated at a time. */
    public long peak() {
        return peak;
    }

    private Block planned() {
        if (planned == null) {
            planned = new Block();
        }
        return planned;
    }

    private static long aligned(long bytes) {
        return Math.addExact(bytes, ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    }
}
