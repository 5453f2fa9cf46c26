package io.framecast.backend.cuda;

import static io.framecast.backend.cuda.CudaCalls.bytes;

import java.util.ArrayList;
import java.util.List;
import jcuda.driver.CUresult;

/**
 * Device memory that is planned before it is allocated. What is reserved from one use of memory to the next, as when a
 * model is built, becomes one allocation at the first use of any of it; so that a model too large is refused whole,
 * with a word on what would fit, and nothing is allocated between steps. An allocation is freed when all that was
 * reserved in it is closed.
 *
 * <p>What is reserved as scratch shares one place: it holds nothing from one op's call to the next.
 */
final class DeviceArena {

    private static final long ALIGNMENT = 256;

    /** In place of an offset: scratch lies behind all the rest. */
    private static final long SCRATCH = -1;

    private final CudaDevice device;
    private Block planned;
    private long allocated;
    private long peak;

    DeviceArena(CudaDevice device) {
        this.device = device;
    }

    /** A part of an allocation, given back by {@link #close}. */
    final class Region implements AutoCloseable {
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

        /**
         * The memory, allocated now if it was not before.
         *
         * @throws CudaException if there is not as much; then with how much is needed and what would fit
         */
        DeviceMemory memory() {
            if (closed) {
                throw new IllegalStateException("the device memory is given back");
            }
            block.allocate();
            return block.memory.view(offset == SCRATCH ? block.size : offset, bytes);
        }

        @Override
        public void close() {
            if (!closed) {
                closed = true;
                block.giveBack();
            }
        }
    }

    /** What is reserved together. */
    private final class Block {
        private final List<Region> zeroed = new ArrayList<>();
        private long size;
        private long scratch;
        private double perVideo;
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
            long[] free = device.memoryInfo();
            long need = size + scratch;
            String wanted = "The model needs " + bytes(need) + " of device memory"
                    + (videos > 0 ? " for a batch of " + videos : "") + ", and " + bytes(free[0]) + " of "
                    + bytes(free[1]) + " are free; ";
            long fits = perVideo == 0 ? 0 : (long) ((free[0] - (need - perVideo * videos)) / perVideo);
            return new CudaException(CUresult.CUDA_ERROR_OUT_OF_MEMORY, wanted + (fits >= 1 && fits < videos
                    ? "a batch of " + fits + " would fit: choose --batch-size " + fits + "."
                    : "use shorter videos or a smaller model, or end other programs on the GPU."));
        }

        void giveBack() {
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

    /** Reserves memory for anything. */
    Region reserve(long bytes) {
        return add(bytes);
    }

    /** Reserves memory whose size grows with the number of videos in a batch, which is {@code videos}. */
    Region reserve(long bytes, int videos) {
        Region region = add(bytes);
        region.block.videos = Math.max(region.block.videos, videos);
        region.block.perVideo += (double) aligned(bytes) / videos;
        return region;
    }

    /** Reserves memory that is all zeros when it is first used. */
    Region reserveZeros(long bytes) {
        Region region = add(bytes);
        region.block.zeroed.add(region);
        return region;
    }

    /** Reserves memory that other ops use, too, when this one does not. */
    Region scratch(long bytes) {
        Block block = planned();
        block.scratch = Math.max(block.scratch, aligned(bytes));
        return new Region(block, SCRATCH, bytes);
    }

    /** The most bytes that were allocated at once. */
    long peak() {
        return peak;
    }

    private Region add(long bytes) {
        Block block = planned();
        Region region = new Region(block, block.size, bytes);
        block.size = Math.addExact(block.size, aligned(bytes));
        return region;
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
