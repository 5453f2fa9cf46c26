package io.framecast.backend.cuda.driver;

import static io.framecast.backend.cuda.driver.CudaCalls.check;
import static io.framecast.backend.cuda.driver.CudaCalls.checkAllocation;
import static jcuda.driver.CUevent_flags.CU_EVENT_DISABLE_TIMING;
import static jcuda.driver.CUstream_flags.CU_STREAM_NON_BLOCKING;
import static jcuda.driver.JCudaDriver.cuEventCreate;
import static jcuda.driver.JCudaDriver.cuEventDestroy;
import static jcuda.driver.JCudaDriver.cuEventRecord;
import static jcuda.driver.JCudaDriver.cuEventSynchronize;
import static jcuda.driver.JCudaDriver.cuMemAlloc;
import static jcuda.driver.JCudaDriver.cuMemAllocHost;
import static jcuda.driver.JCudaDriver.cuMemFree;
import static jcuda.driver.JCudaDriver.cuMemFreeHost;
import static jcuda.driver.JCudaDriver.cuMemcpyDtoDAsync;
import static jcuda.driver.JCudaDriver.cuMemcpyDtoHAsync;
import static jcuda.driver.JCudaDriver.cuMemcpyHtoDAsync;
import static jcuda.driver.JCudaDriver.cuStreamCreate;
import static jcuda.driver.JCudaDriver.cuStreamDestroy;
import static jcuda.driver.JCudaDriver.cuStreamWaitEvent;

import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import jcuda.Pointer;
import jcuda.driver.CUdeviceptr;
import jcuda.driver.CUevent;
import jcuda.driver.CUstream;

/**
 * Copies between Java's arrays and a device, double-buffered: through two slots, used in turn.
 *
 * <p>A write copies from the array to pinned memory; then, on a separate stream, to a staging buffer on the device; and
 * from there, on the device's stream, to its target. So the next batch is transferred while kernels still read the
 * batch that it replaces. A write waits only if the slot's last copy is not done.
 */
final class HostCopies extends DeviceResource {

    /** The size of a slot: a batch of some ten videos of 20 frames of 64x64. */
    static final int SLOT_FLOATS = 1 << 20;

    private static final long SLOT_BYTES = bytes(SLOT_FLOATS);

    /** The buffers of one copy. */
    private final class Slot {
        private final Pointer pinned = new Pointer();
        private final CUdeviceptr staged = new CUdeviceptr();
        /** Recorded after the slot's last copy. */
        private final CUevent done = new CUevent();
        private FloatBuffer floats;

        void allocate() {
            check(cuEventCreate(done, CU_EVENT_DISABLE_TIMING), "cuEventCreate");
            closing.add(() -> check(cuEventDestroy(done), "cuEventDestroy"));
            checkAllocation(cuMemAllocHost(pinned, SLOT_BYTES), "cuMemAllocHost", SLOT_BYTES, device);
            closing.add(() -> check(cuMemFreeHost(pinned), "cuMemFreeHost"));
            checkAllocation(cuMemAlloc(staged, SLOT_BYTES), "cuMemAlloc", SLOT_BYTES, device);
            closing.add(() -> check(cuMemFree(staged), "cuMemFree"));
            floats = pinned.getByteBuffer(0, SLOT_BYTES).order(ByteOrder.nativeOrder()).asFloatBuffer();
        }

        void await() {
            check(cuEventSynchronize(done), "cuEventSynchronize");
        }
    }

    private final CUstream stream = new CUstream();
    private final Slot[] slots = {new Slot(), new Slot()};
    private final Closing closing = new Closing();
    private int turn;

    private HostCopies(CudaDevice device) {
        super(device);
    }

    /** For a device whose context is current. */
    static HostCopies open(CudaDevice device) {
        HostCopies copies = new HostCopies(device);
        try {
            check(cuStreamCreate(copies.stream, CU_STREAM_NON_BLOCKING), "cuStreamCreate");
            copies.closing.add(() -> check(cuStreamDestroy(copies.stream), "cuStreamDestroy"));
            for (Slot slot : copies.slots) {
                slot.allocate();
            }
            return copies;
        } catch (CudaException e) {
            copies.closing.runAfter(e);
            throw e;
        }
    }

    /** Copies from {@code source[from..]} in the order of the device's stream; the array may change afterwards. */
    void write(CUdeviceptr to, float[] source, int from, int count) {
        for (int at = 0; at < count; at += SLOT_FLOATS) {
            int part = Math.min(SLOT_FLOATS, count - at);
            Slot slot = next();
            slot.await();
            slot.floats.put(0, source, from + at, part);
            check(cuMemcpyHtoDAsync(slot.staged, slot.pinned, bytes(part), stream), "cuMemcpyHtoDAsync");
            check(cuEventRecord(slot.done, stream), "cuEventRecord");
            check(cuStreamWaitEvent(device.stream(), slot.done, 0), "cuStreamWaitEvent");
            check(cuMemcpyDtoDAsync(to.withByteOffset(bytes(at)), slot.staged, bytes(part), device.stream()),
                    "cuMemcpyDtoDAsync");
            check(cuEventRecord(slot.done, device.stream()), "cuEventRecord");
        }
    }

    /** Copies to {@code target[to..]} after the work that was launched before, and waits for it. */
    void read(CUdeviceptr from, float[] target, int to, int count) {
        Slot before = null;
        for (int at = 0; at < count + SLOT_FLOATS; at += SLOT_FLOATS) {
            Slot slot = null;
            if (at < count) {
                slot = next();
                slot.await();
                int part = Math.min(SLOT_FLOATS, count - at);
                check(cuMemcpyDtoHAsync(slot.pinned, from.withByteOffset(bytes(at)), bytes(part), device.stream()),
                        "cuMemcpyDtoHAsync");
                check(cuEventRecord(slot.done, device.stream()), "cuEventRecord");
            }
            if (before != null) {
                // The previous part is copied to the array while this one is transferred.
                int begin = at - SLOT_FLOATS;
                before.await();
                before.floats.get(0, target, to + begin, Math.min(SLOT_FLOATS, count - begin));
            }
            before = slot;
        }
        device.checkWaited();
    }

    private static long bytes(long floats) {
        return Float.BYTES * floats;
    }

    private Slot next() {
        turn ^= 1;
        return slots[turn];
    }

    @Override
    protected void release() {
        closing.run();
    }
}
