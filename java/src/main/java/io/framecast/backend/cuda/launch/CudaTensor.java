package io.framecast.backend.cuda.launch;

import io.framecast.backend.Tensor;
import io.framecast.backend.cuda.driver.DeviceMemory;
import io.framecast.backend.guard.GuardedTensor;
import io.framecast.backend.guard.OpGuard;

/** Float32 values in a region of a {@link DeviceArena}: the region's owner, or a view of a part of it. */
final class CudaTensor extends GuardedTensor {

    private final DeviceArena.Region region;
    private final long offset;
    private final boolean owner;

    /** @param owner whether to close this tensor is to close its region */
    CudaTensor(OpGuard guard, DeviceArena.Region region, long offset, long size, boolean owner) {
        super(guard, size);
        this.region = region;
        this.offset = offset;
        this.owner = owner;
    }

    DeviceMemory memory() {
        return region.memory().view(Float.BYTES * offset, Float.BYTES * size());
    }

    @Override
    protected boolean isClosed() {
        return region.isClosed();
    }

    @Override
    protected void writeChecked(long offset, float[] source, int from, int count) {
        memory().write(offset, source, from, count);
    }

    @Override
    protected void readChecked(long offset, float[] target, int to, int count) {
        memory().read(offset, target, to, count);
    }

    @Override
    protected void copyToChecked(long offset, Tensor target, long to, long count) {
        memory().copyTo(offset, ((CudaTensor) target).memory(), to, count);
    }

    @Override
    protected boolean overlaps(long offset, Tensor target, long to, long count) {
        CudaTensor other = (CudaTensor) target;
        return other.region == region && Math.abs(other.offset + to - this.offset - offset) < count;
    }

    @Override
    protected Tensor sliceChecked(long from, long size) {
        return new CudaTensor(guard(), region, offset + from, size, false);
    }

    @Override
    protected void free() {
        if (owner) {
            region.close();
        }
    }
}
