package io.framecast.softgpu;

import static io.framecast.softgpu.SoftDevice.check;
import static jcuda.driver.JCudaDriver.cuModuleGetFunction;
import static jcuda.driver.JCudaDriver.cuModuleGetGlobal;
import static jcuda.driver.JCudaDriver.cuModuleUnload;

import jcuda.driver.CUdeviceptr;
import jcuda.driver.CUfunction;
import jcuda.driver.CUmodule;

/** A loaded module of a test. */
final class Module implements AutoCloseable {

    private final CUmodule module;
    private boolean closed;

    Module(CUmodule module) {
        this.module = module;
    }

    Kernel kernel(String name) {
        CUfunction function = new CUfunction();
        check(cuModuleGetFunction(function, module, name));
        return new Kernel(function);
    }

    /** A {@code __device__} or {@code __constant__} variable. */
    Buffer variable(String name) {
        CUdeviceptr pointer = new CUdeviceptr();
        long[] bytes = new long[1];
        check(cuModuleGetGlobal(pointer, bytes, module, name));
        return new Buffer(pointer, bytes[0]);
    }

    /** Unloads it, now rather than when the test ends. */
    @Override
    public void close() {
        if (!closed) {
            closed = true;
            check(cuModuleUnload(module));
        }
    }
}
