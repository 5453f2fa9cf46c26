package io.framecast.backend.cuda.launch;

import io.framecast.backend.Tensor;
import io.framecast.backend.cuda.driver.DeviceMemory;
import io.framecast.backend.guard.GuardedTensor;
import io.framecast.backend.guard.OpGuard;

/** An op's output as operands of tensor cores, in bfloat16 or tf32. It is read on the host as float32. */
final class OperandTensor extends GuardedTensor {

    private final DeviceArena.Region region;
    private final long offset;
    private final int valueBytes;

    /** @param valueBytes 2 for bfloat16, 4 for tf32 */
    OperandTensor(OpGuard guard, DeviceArena.Region region, long offset, long size, int valueBytes) {
        super(guard, size);
        this.region = region;
        this.offset = offset;
        this.valueBytes = valueBytes;
    }

    DeviceMemory memory() {
        return region.memory().view(valueBytes * offset, valueBytes * size());
    }

    @Override
    protected boolean isClosed() {
        return region.isClosed();
    }

    @Override
    protected void readChecked(long offset, float[] target, int to, int count) {
        if (valueBytes == Float.BYTES) {
            memory().read(offset, target, to, count);
            return;
        }
        // Two values to a word, the first one in its lower half. An op's outputs are an even number.
        long first = this.offset + offset;
        float[] words = new float[(int) ((first + count + 1) / 2 - first / 2)];
        region.memory().read(first / 2, words, 0, words.length);
        for (int i = 0; i < count; i++) {
            long at = first + i;
            int bits = Float.floatToRawIntBits(words[(int) (at / 2 - first / 2)]);
            target[to + i] = Float.intBitsToFloat(at % 2 == 0 ? bits << 16 : bits & 0xffff0000);
        }
    }

    @Override
    protected void writeChecked(long offset, float[] source, int from, int count) {
        throw new IllegalStateException("An op's rounded output is not written.");
    }

    @Override
    protected void copyToChecked(long offset, Tensor target, long to, long count) {
        throw new IllegalStateException("A rounded output is copied nowhere: only convolutions and batch "
                + "normalisations read it.");
    }

    @Override
    protected boolean overlaps(long offset, Tensor target, long to, long count) {
        return false;
    }

    @Override
    protected Tensor sliceChecked(long from, long size) {
        return new OperandTensor(guard(), region, offset + from, size, valueBytes);
    }

    @Override
    protected void free() {
        // The op owns the region.
    }
}
