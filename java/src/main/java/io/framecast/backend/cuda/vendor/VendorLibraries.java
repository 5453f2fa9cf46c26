package io.framecast.backend.cuda.vendor;

import static io.framecast.backend.cuda.vendor.VendorCalls.checkCublas;
import static io.framecast.backend.cuda.vendor.VendorCalls.checkCudnn;
import static jcuda.jcublas.JCublas2.cublasCreate;
import static jcuda.jcublas.JCublas2.cublasDestroy;
import static jcuda.jcublas.JCublas2.cublasSetMathMode;
import static jcuda.jcublas.JCublas2.cublasSetStream;
import static jcuda.jcudnn.JCudnn.cudnnCreate;
import static jcuda.jcudnn.JCudnn.cudnnDestroy;
import static jcuda.jcudnn.JCudnn.cudnnSetStream;

import io.framecast.backend.cuda.driver.Closing;
import io.framecast.backend.cuda.driver.CudaDevice;
import io.framecast.backend.cuda.driver.DeviceResource;
import jcuda.jcublas.cublasHandle;
import jcuda.jcublas.cublasMath;
import jcuda.jcudnn.cudnnHandle;
import jcuda.runtime.cudaStream_t;

/**
 * The handles of cuDNN and cuBLAS on a device, each made at its first use. Both work on the device's stream, in order
 * with the kernels.
 */
final class VendorLibraries extends DeviceResource {

    private final Closing closing = new Closing();
    private cudnnHandle cudnn;
    private cublasHandle cublas;

    private VendorLibraries(CudaDevice device) {
        super(device);
    }

    /** The handles of a device, which closes them. */
    static VendorLibraries of(CudaDevice device) {
        return device.own(new VendorLibraries(device));
    }

    /**
     * The handle of cuDNN, for calls of this thread.
     *
     * @throws io.framecast.FramecastException if there is no cuDNN 9, or it does not start
     */
    cudnnHandle cudnn() {
        enter();
        if (cudnn == null) {
            VendorLibrary.CUDNN.load();
            cudnnHandle handle = new cudnnHandle();
            checkCudnn(cudnnCreate(handle), "cudnnCreate");
            closing.add(() -> checkCudnn(cudnnDestroy(handle), "cudnnDestroy"));
            checkCudnn(cudnnSetStream(handle, new cudaStream_t(device.stream())), "cudnnSetStream");
            cudnn = handle;
        }
        return cudnn;
    }

    /**
     * The handle of cuBLAS, for calls of this thread.
     *
     * @throws io.framecast.FramecastException if there is no cuBLAS 12, or it does not start
     */
    cublasHandle cublas() {
        enter();
        if (cublas == null) {
            VendorLibrary.CUBLAS.load();
            cublasHandle handle = new cublasHandle();
            checkCublas(cublasCreate(handle), "cublasCreate");
            closing.add(() -> checkCublas(cublasDestroy(handle), "cublasDestroy"));
            checkCublas(cublasSetStream(handle, new cudaStream_t(device.stream())), "cublasSetStream");
            // TF32, which rounds the operands to 11 bits, only in calls that ask for it.
            checkCublas(cublasSetMathMode(handle, cublasMath.CUBLAS_DEFAULT_MATH), "cublasSetMathMode");
            cublas = handle;
        }
        return cublas;
    }

    private void enter() {
        if (isClosed()) {
            throw new IllegalStateException("the vendor's libraries are closed");
        }
        device.enter();
    }

    @Override
    protected void release() {
        closing.run();
    }
}
