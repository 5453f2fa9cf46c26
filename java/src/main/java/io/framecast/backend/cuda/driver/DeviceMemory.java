package io.framecast.backend.cuda;

import static io.framecast.backend.cuda.CudaCalls.check;
import static jcuda.driver.JCudaDriver.cuMemFree;
import static jcuda.driver.JCudaDriver.cuMemcpyDtoDAsync;
import static jcuda.driver.JCudaDriver.cuMemsetD8Async;

import java.util.Objects;
import jcuda.driver.CUdeviceptr;

/**
 * Memory of a {@link CudaDevice}, freed by {@link #close}; or a view of a part of it, whose close frees nothing. Its
 * methods throw {@link IllegalStateException} once it is freed.
 */
public final class DeviceMemory extends DeviceResource {

    private final CUdeviceptr pointer;
    private final long bytes;

    /** Whose part this is; itself where it is no view. */
    private final DeviceMemory owner;

    DeviceMemory(CudaDevice device, CUdeviceptr pointer, long bytes) {
        super(device);
        this.pointer = pointer;
        this.bytes = bytes;
        this.owner = this;
    }

    private DeviceMemory(DeviceMemory owner, CUdeviceptr pointer, long bytes) {
        super(owner.device);
        this.pointer = pointer;
        this.bytes = bytes;
        this.owner = owner;
    }

    public long bytes() {
        return bytes;
    }

    /**
     * A part of this memory, which is valid as long as this is.
     *
     * @param offset in bytes
     * @throws IndexOutOfBoundsException if it is no part
     */
    public DeviceMemory view(long offset, long bytes) {
        Objects.checkFromIndexSize(offset, bytes, this.bytes);
        return new DeviceMemory(owner, pointer().withByteOffset(offset), bytes);
    }

    /**
     * Copies floats to the device, after the work that was launched before.
     *
     * @param offset where they go, in floats
     * @param from the first one
     * @throws IndexOutOfBoundsException if the array or this memory has not as many
     */
    public void write(long offset, float[] source, int from, int count) {
        Objects.checkFromIndexSize(from, count, source.length);
        device.copies().write(floats(offset, count), source, from, count);
    }

    /**
     * Copies floats from the device, after the work that was launched before.
     *
     * @param offset where they are, in floats
     * @param to where the first one goes
     * @throws IndexOutOfBoundsException if the array or this memory has not as many
     */
    public void read(long offset, float[] target, int to, int count) {
        Objects.checkFromIndexSize(to, count, target.length);
        device.copies().read(floats(offset, count), target, to, count);
    }

    /** Sets all bytes to zero, after the work that was launched before. */
    public void clear() {
        device.enter();
        check(cuMemsetD8Async(pointer(), (byte) 0, bytes, device.stream()), "cuMemsetD8Async");
    }

    /** Copies floats to other memory of the device, after the work that was launched before; the two do not overlap. */
    public void copyTo(long offset, DeviceMemory target, long to, long count) {
        Objects.checkFromIndexSize(offset, count, bytes / 4);
        Objects.checkFromIndexSize(to, count, target.bytes / 4);
        device.enter();
        check(cuMemcpyDtoDAsync(target.pointer().withByteOffset(4 * to), pointer().withByteOffset(4 * offset),
                4 * count, device.stream()), "cuMemcpyDtoDAsync");
    }

    private CUdeviceptr floats(long offset, int count) {
        Objects.checkFromIndexSize(offset, count, bytes / 4);
        return pointer().withByteOffset(4 * offset);
    }

    CUdeviceptr pointer() {
        if (isClosed() || owner.isClosed()) {
            throw new IllegalStateException("the device memory is freed");
        }
        return pointer;
    }

    @Override
    void release() {
        if (owner == this) {
            check(cuMemFree(pointer), "cuMemFree");
        }
    }
}
