package io.framecast.backend.guard;

import io.framecast.backend.Tensor;
import java.util.Objects;

/** A tensor that checks what its methods are given, and leaves the rest to its backend. */
public abstract class GuardedTensor implements Tensor {

    private final OpGuard guard;
    private final long size;

    /** @param guard that of the backend whose tensor it is */
    protected GuardedTensor(OpGuard guard, long size) {
        this.guard = guard;
        this.size = size;
    }

    /** Whether the memory is gone, by the close of this tensor, or of the op or tensor that this is a view of. */
    protected abstract boolean isClosed();

    /** As {@link #write}, of arguments that are checked; and so the others. */
    protected abstract void writeChecked(long offset, float[] source, int from, int count);

    protected abstract void readChecked(long offset, float[] target, int to, int count);

    /** @param target one of the same backend */
    protected abstract void copyToChecked(long offset, Tensor target, long to, long count);

    /** Whether a copy would read and write a value in the same place; of arguments in range. */
    protected abstract boolean overlaps(long offset, Tensor target, long to, long count);

    protected abstract Tensor sliceChecked(long from, long size);

    /** Frees the memory if this tensor owns it and has not freed it yet. */
    protected abstract void free();

    protected final OpGuard guard() {
        return guard;
    }

    @Override
    public final long size() {
        return size;
    }

    @Override
    public final void write(long offset, float[] source, int from, int count) {
        synchronized (guard) {
            requireUsable();
            Objects.checkFromIndexSize(offset, count, size);
            Objects.checkFromIndexSize(from, count, source.length);
            writeChecked(offset, source, from, count);
        }
    }

    @Override
    public final void read(long offset, float[] target, int to, int count) {
        synchronized (guard) {
            requireUsable();
            Objects.checkFromIndexSize(offset, count, size);
            Objects.checkFromIndexSize(to, count, target.length);
            readChecked(offset, target, to, count);
        }
    }

    @Override
    public final void copyTo(long offset, Tensor target, long to, long count) {
        synchronized (guard) {
            requireUsable();
            guard.require(target, "The target of a copy");
            Objects.checkFromIndexSize(offset, count, size);
            Objects.checkFromIndexSize(to, count, target.size());
            if (overlaps(offset, target, to, count)) {
                throw new IllegalArgumentException("The values to copy and their target overlap: " + count
                        + " values from " + offset + " of a tensor, to " + to + " of a tensor in the same memory.");
            }
            copyToChecked(offset, target, to, count);
        }
    }

    @Override
    public final Tensor slice(long from, long size) {
        synchronized (guard) {
            requireUsable();
            Objects.checkFromIndexSize(from, size, this.size);
            return sliceChecked(from, size);
        }
    }

    @Override
    public final void close() {
        synchronized (guard) {
            boolean open = !isClosed();
            free();
            if (open && isClosed()) {
                guard.addClose();
            }
        }
    }

    private void requireUsable() {
        guard.requireOpen();
        if (isClosed()) {
            throw new IllegalStateException("The tensor is closed.");
        }
    }
}
