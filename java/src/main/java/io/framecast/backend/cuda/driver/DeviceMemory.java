package io.framecast.backend.cuda.driver;

import static io.framecast.backend.cuda.driver.CudaCalls.check;
import static jcuda.driver.JCudaDriver.cuMemFree;
import static jcuda.driver.JCudaDriver.cuMemcpyDtoDAsync;
import static jcuda.driver.JCudaDriver.cuMemsetD8Async;

import java.util.Locale;
import java.util.Objects;
import jcuda.driver.CUdeviceptr;

/**
 * Memory of a {@link CudaDevice}, freed by {@link #close}; or a view of a part of it, whose close frees nothing. Its
 * methods throw {@link IllegalStateException} once it is freed.
 */
public final class DeviceMemory extends DeviceResource {

    private final CUdeviceptr pointer;
    private final long bytes;

    /** The memory that this is a view of; this memory if it is not a view. */
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

    /** A number of bytes as text: "48.5 MiB". */
    public static String text(long bytes) {
        return bytes < 10L << 30 ? String.format(Locale.ROOT, "%.1f MiB", bytes / (double) (1 << 20))
                : String.format(Locale.ROOT, "%.1f GiB", bytes / (double) (1 << 30));
    }

    /**
     * A part of this memory, which is valid as long as this is.
     *
     * @param offset in bytes
     * @throws IndexOutOfBoundsException if the range is not inside this memory
     */
    public DeviceMemory view(long offset, long bytes) {
        Objects.checkFromIndexSize(offset, bytes, this.bytes);
        return new DeviceMemory(owner, pointer().withByteOffset(offset), bytes);
    }

    /**
     * Copies {@code count} floats of {@code source}, from index {@code from} on, to the device, after the work that
     * was launched before.
     *
     * @param offset of the first one in this memory, in floats
     * @throws IndexOutOfBoundsException if the array or this memory has fewer
     */
    public void write(long offset, float[] source, int from, int count) {
        Objects.checkFromIndexSize(from, count, source.length);
        device.copies().write(floats(offset, count), source, from, count);
    }

    /**
     * Copies {@code count} floats to {@code target}, from index {@code to} on, after the work that was launched
     * before.
     *
     * @param offset of the first one in this memory, in floats
     * @throws IndexOutOfBoundsException if the array or this memory has fewer
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

    /**
     * Copies floats to other memory of the device, after the work that was launched before; the two do not overlap.
     *
     * @throws IndexOutOfBoundsException if either has fewer
     */
    public void copyTo(long offset, DeviceMemory target, long to, long count) {
        CUdeviceptr source = floats(offset, count);
        CUdeviceptr destination = target.floats(to, count);
        device.enter();
        check(cuMemcpyDtoDAsync(destination, source, Float.BYTES * count, device.stream()), "cuMemcpyDtoDAsync");
    }

    private CUdeviceptr floats(long offset, long count) {
        Objects.checkFromIndexSize(offset, count, bytes / Float.BYTES);
        return pointer().withByteOffset(Float.BYTES * offset);
    }

    /** Its address, for calls of CUDA's libraries. */
    public CUdeviceptr pointer() {
        if (isClosed() || owner.isClosed()) {
            throw new IllegalStateException("the device memory is freed");
        }
        return pointer;
    }

    @Override
    protected void release() {
        if (owner == this) {
            check(cuMemFree(pointer), "cuMemFree");
        }
    }
}
