package io.framecast.backend.cpu;

import io.framecast.backend.Tensor;
import io.framecast.cpu.NativeCpu;
import java.util.Objects;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;

/** Float32 values in native memory: a block of its own, or a view of one that an op or another tensor owns. */
final class CpuTensor implements Tensor {

    private final FloatPointer values;
    private final long size;
    private final Pointer owned;

    private CpuTensor(FloatPointer values, long size, Pointer owned) {
        this.values = values;
        this.size = size;
        this.owned = owned;
    }

    static CpuTensor allocate(NativeCpu.Device device, long size) {
        NativeCpu.Memory memory = CpuBackend.call(() -> new NativeCpu.Memory(device, size * Float.BYTES));
        return new CpuTensor(memory.floats(), size, memory);
    }

    /** A view of native memory; null for a null pointer. */
    static CpuTensor view(FloatPointer values, long size) {
        return values == null ? null : new CpuTensor(values, size, null);
    }

    /** The address of the first value; null for a null tensor, as C++ expects it. */
    static FloatPointer pointer(Tensor tensor) {
        return tensor == null ? null : ((CpuTensor) tensor).values;
    }

    @Override
    public long size() {
        return size;
    }

    @Override
    public void write(long offset, float[] source, int from, int count) {
        Objects.checkFromIndexSize(offset, count, size);
        at(offset).put(source, from, count);
    }

    @Override
    public void read(long offset, float[] target, int to, int count) {
        Objects.checkFromIndexSize(offset, count, size);
        at(offset).get(target, to, count);
    }

    @Override
    public void copyTo(long offset, Tensor target, long to, long count) {
        Objects.checkFromIndexSize(offset, count, size);
        Objects.checkFromIndexSize(to, count, target.size());
        Pointer.memcpy(((CpuTensor) target).at(to), at(offset), count * Float.BYTES);
    }

    @Override
    public Tensor slice(long from, long size) {
        Objects.checkFromIndexSize(from, size, this.size);
        return view(at(from), size);
    }

    @Override
    public void close() {
        if (owned != null) {
            owned.close();
        }
    }

    private FloatPointer at(long offset) {
        return values.getPointer(offset);
    }
}
