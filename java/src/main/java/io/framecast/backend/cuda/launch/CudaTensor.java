package io.framecast.backend.cuda;

import io.framecast.backend.Tensor;
import java.util.Objects;

/** Float32 values in a region of a {@link DeviceArena}: the region's owner, or a view of a part of it. */
final class CudaTensor implements Tensor {

    private final DeviceArena.Region region;
    private final long offset;
    private final long size;
    private final boolean owner;

    private CudaTensor(DeviceArena.Region region, long offset, long size, boolean owner) {
        this.region = region;
        this.offset = offset;
        this.size = size;
        this.owner = owner;
    }

    /** All of a region, which this tensor closes. */
    static CudaTensor owning(DeviceArena.Region region, long size) {
        return new CudaTensor(region, 0, size, true);
    }

    /** The first values of a region that an op owns. */
    static CudaTensor view(DeviceArena.Region region, long size) {
        return new CudaTensor(region, 0, size, false);
    }

    /** Where the values are on the device; null for a null tensor, as kernels expect it. */
    static DeviceMemory memory(Tensor tensor) {
        return tensor == null ? null : ((CudaTensor) tensor).memory();
    }

    private DeviceMemory memory() {
        return region.memory().view(Float.BYTES * offset, Float.BYTES * size);
    }

    @Override
    public long size() {
        return size;
    }

    @Override
    public void write(long offset, float[] source, int from, int count) {
        memory().write(offset, source, from, count);
    }

    @Override
    public void read(long offset, float[] target, int to, int count) {
        memory().read(offset, target, to, count);
    }

    @Override
    public void copyTo(long offset, Tensor target, long to, long count) {
        memory().copyTo(offset, memory(target), to, count);
    }

    @Override
    public Tensor slice(long from, long size) {
        Objects.checkFromIndexSize(from, size, this.size);
        return new CudaTensor(region, offset + from, size, false);
    }

    @Override
    public void close() {
        if (owner) {
            region.close();
        }
    }
}
