package io.framecast.backend.cuda;

import static io.framecast.backend.cuda.CudaCalls.check;
import static jcuda.driver.CUfunction_attribute.CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES;
import static jcuda.driver.JCudaDriver.cuFuncGetAttribute;
import static jcuda.driver.JCudaDriver.cuModuleGetFunction;
import static jcuda.driver.JCudaDriver.cuModuleLoadData;
import static jcuda.driver.JCudaDriver.cuModuleUnload;

import java.util.Arrays;
import jcuda.driver.CUfunction;
import jcuda.driver.CUmodule;

/** The kernels of a CUDA source on a device; closing it unloads them. */
public final class CudaModule extends DeviceResource {

    private final String file;
    private final CUmodule module;

    private CudaModule(CudaDevice device, String file, CUmodule module) {
        super(device);
        this.file = file;
        this.module = module;
    }

    /**
     * Loads kernels onto a device, whose context is current.
     *
     * @param image PTX or machine code
     */
    static CudaModule load(CudaDevice device, String file, byte[] image) {
        CUmodule module = new CUmodule();
        // PTX ends where a zero is; machine code says itself how long it is.
        byte[] terminated = Arrays.copyOf(image, image.length + 1);
        check(cuModuleLoadData(module, terminated), "cuModuleLoadData of " + file);
        return new CudaModule(device, file, module);
    }

    /**
     * A kernel, which works as long as this module is open.
     *
     * @param name in the image: that of the source, where it is {@code extern "C"}
     * @throws CudaException if there is none
     */
    public CudaKernel kernel(String name) {
        requireOpen();
        device.enter();
        CUfunction function = new CUfunction();
        check(cuModuleGetFunction(function, module, name), "cuModuleGetFunction of " + name + " in " + file);
        int[] staticShared = new int[1];
        check(cuFuncGetAttribute(staticShared, CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES, function), "cuFuncGetAttribute");
        return new CudaKernel(this, name, function, staticShared[0]);
    }

    void requireOpen() {
        if (isClosed()) {
            throw new IllegalStateException("the module " + file + " is closed");
        }
    }

    @Override
    void release() {
        check(cuModuleUnload(module), "cuModuleUnload of " + file);
    }
}
