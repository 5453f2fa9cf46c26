package io.framecast.softgpu;

import static io.framecast.softgpu.SoftDevice.check;
import static jcuda.driver.JCudaDriver.cuMemFree;
import static jcuda.driver.JCudaDriver.cuMemcpyDtoH;

import jcuda.Pointer;
import jcuda.driver.CUdeviceptr;

/** Device memory of a test; as an argument of a launch it is its address. */
final class Buffer implements AutoCloseable {

    private final CUdeviceptr pointer;
    private final long bytes;
    private boolean closed;

    Buffer(CUdeviceptr pointer, long bytes) {
        this.pointer = pointer;
        this.bytes = bytes;
    }

    CUdeviceptr pointer() {
        return pointer;
    }

    /** The size in bytes. */
    long size() {
        return bytes;
    }

    /** An address this many bytes from the start, inside or outside the buffer, for a launch; never freed. */
    CUdeviceptr at(long offset) {
        return pointer.withByteOffset(offset);
    }

    byte[] bytes() {
        byte[] values = new byte[Math.toIntExact(bytes)];
        download(Pointer.to(values));
        return values;
    }

    short[] shorts() {
        short[] values = new short[count(2)];
        download(Pointer.to(values));
        return values;
    }

    int[] ints() {
        int[] values = new int[count(4)];
        download(Pointer.to(values));
        return values;
    }

    long[] longs() {
        long[] values = new long[count(8)];
        download(Pointer.to(values));
        return values;
    }

    float[] floats() {
        float[] values = new float[count(4)];
        download(Pointer.to(values));
        return values;
    }

    double[] doubles() {
        double[] values = new double[count(8)];
        download(Pointer.to(values));
        return values;
    }

    private int count(int size) {
        return Math.toIntExact(bytes / size);
    }

    private void download(Pointer to) {
        check(cuMemcpyDtoH(to, pointer, bytes));
    }

    /** Frees it, now rather than when the test ends. */
    @Override
    public void close() {
        if (!closed) {
            closed = true;
            check(cuMemFree(pointer));
        }
    }
}
