package io.framecast.backend.cpu;

import io.framecast.backend.Tensor;
import io.framecast.backend.guard.GuardedTensor;
import io.framecast.backend.guard.OpGuard;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;

/** Float32 values in native memory: its own block, or a view of a block that an op or another tensor owns. */
final class CpuTensor extends GuardedTensor {

    private final FloatPointer values;
    /** The native object whose memory this is; its address is null once it is closed. */
    private final Pointer owner;
    private final boolean owning;

    /** @param owning whether closing this tensor closes the owner */
    CpuTensor(OpGuard guard, FloatPointer values, long size, Pointer owner, boolean owning) {
        super(guard, size);
        this.values = values;
        this.owner = owner;
        this.owning = owning;
    }

    /** The address of the first value; null for a null tensor, as C++ expects it. */
    static FloatPointer pointer(Tensor tensor) {
        return tensor == null ? null : ((CpuTensor) tensor).values;
    }

    @Override
    protected boolean isClosed() {
        return owner.isNull();
    }

    @Override
    protected void writeChecked(long offset, float[] source, int from, int count) {
        at(offset).put(source, from, count);
    }

    @Override
    protected void readChecked(long offset, float[] target, int to, int count) {
        at(offset).get(target, to, count);
    }

    @Override
    protected void copyToChecked(long offset, Tensor target, long to, long count) {
        Pointer.memcpy(((CpuTensor) target).at(to), at(offset), count * Float.BYTES);
    }

    @Override
    protected boolean overlaps(long offset, Tensor target, long to, long count) {
        return Math.abs(((CpuTensor) target).at(to).address() - at(offset).address()) < count * Float.BYTES;
    }

    @Override
    protected Tensor sliceChecked(long from, long size) {
        return new CpuTensor(guard(), at(from), size, owner, false);
    }

    @Override
    protected void free() {
        if (owning) {
            owner.close();
        }
    }

    private FloatPointer at(long offset) {
        return values.getPointer(offset);
    }
}
