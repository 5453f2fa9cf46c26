package io.framecast.backend.cuda.driver;

import static io.framecast.backend.cuda.driver.CudaCalls.check;
import static io.framecast.backend.cuda.driver.CudaCalls.checkAllocation;
import static jcuda.driver.JCudaDriver.cuMemAllocHost;
import static jcuda.driver.JCudaDriver.cuMemFreeHost;
import static jcuda.driver.JCudaDriver.cuMemcpyDtoHAsync;
import static jcuda.driver.JCudaDriver.cuMemcpyHtoDAsync;

import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import jcuda.Pointer;
import jcuda.driver.CUstream;

/** Memory of the host that a device copies from and to while others work. */
public final class PinnedMemory extends DeviceResource {

    private final Pointer pointer;
    private final FloatBuffer floats;

    private PinnedMemory(CudaDevice device, Pointer pointer, long bytes) {
        super(device);
        this.pointer = pointer;
        floats = pointer.getByteBuffer(0, bytes).order(ByteOrder.nativeOrder()).asFloatBuffer();
    }

    /**
     * Memory that its device frees, unless it is closed before.
     *
     * @param bytes at most 2 GiB: a buffer of Java has no more
     * @throws CudaException if there is not enough
     */
    public static PinnedMemory allocate(CudaDevice device, long bytes) {
        device.enter();
        Pointer pointer = new Pointer();
        checkAllocation(cuMemAllocHost(pointer, bytes), "cuMemAllocHost", bytes, device);
        return device.own(new PinnedMemory(device, pointer, bytes));
    }

    /** All of it. */
    public FloatBuffer floats() {
        return floats;
    }

    /** Copies as many bytes as the device memory has, when the stream comes to it. */
    public void copyFrom(DeviceMemory source, CUstream stream) {
        device.enter();
        check(cuMemcpyDtoHAsync(pointer, source.pointer(), source.bytes(), stream), "cuMemcpyDtoHAsync");
    }

    /** The same to the device. */
    public void copyTo(DeviceMemory target, CUstream stream) {
        device.enter();
        check(cuMemcpyHtoDAsync(target.pointer(), pointer, target.bytes(), stream), "cuMemcpyHtoDAsync");
    }

    @Override
    protected void release() {
        check(cuMemFreeHost(pointer), "cuMemFreeHost");
    }
}
