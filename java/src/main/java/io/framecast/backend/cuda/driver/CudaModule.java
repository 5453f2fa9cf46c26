package io.framecast.backend.cuda.driver;

import static io.framecast.backend.cuda.driver.CudaCalls.check;
import static jcuda.driver.CUfunction_attribute.CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES;
import static jcuda.driver.JCudaDriver.cuFuncGetAttribute;
import static jcuda.driver.JCudaDriver.cuModuleGetFunction;
import static jcuda.driver.JCudaDriver.cuModuleLoadData;
import static jcuda.driver.JCudaDriver.cuModuleUnload;

import java.util.Arrays;
import jcuda.driver.CUfunction;
import jcuda.driver.CUmodule;

/** Kernels that are loaded on a device; {@link #close} unloads them. */
public final class CudaModule extends DeviceResource {

    private final String name;
    private final CUmodule module;

    private CudaModule(CudaDevice device, String name, CUmodule module) {
        super(device);
        this.name = name;
        this.module = module;
    }

    /** Loads an image onto a device, whose context is current. */
    static CudaModule load(CudaDevice device, String name, byte[] image) {
        CUmodule module = new CUmodule();
        // PTX is a string that ends with a zero; machine code carries its own length.
        byte[] terminated = Arrays.copyOf(image, image.length + 1);
        check(cuModuleLoadData(module, terminated), "cuModuleLoadData of " + name);
        return new CudaModule(device, name, module);
    }

    /**
     * A kernel, which can be launched until this module is closed.
     *
     * @param kernel its name in the image: that in the source, where it is {@code extern "C"}
     * @throws CudaException if there is none
     */
    public CudaKernel kernel(String kernel) {
        requireOpen();
        device.enter();
        CUfunction function = new CUfunction();
        check(cuModuleGetFunction(function, module, kernel), "cuModuleGetFunction of " + kernel + " in " + name);
        int[] staticShared = new int[1];
        check(cuFuncGetAttribute(staticShared, CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES, function), "cuFuncGetAttribute");
        return new CudaKernel(this, kernel, function, staticShared[0]);
    }

    void requireOpen() {
        if (isClosed()) {
            throw new IllegalStateException("the module " + name + " is closed");
        }
    }

    @Override
    protected void release() {
        check(cuModuleUnload(module), "cuModuleUnload of " + name);
    }
}
