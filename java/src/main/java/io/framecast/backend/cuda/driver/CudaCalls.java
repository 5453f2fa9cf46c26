package io.framecast.backend.cuda.driver;

import static jcuda.driver.JCudaDriver.cuGetErrorString;
import static jcuda.driver.JCudaDriver.cuMemGetInfo;

import io.framecast.Remedy;
import io.framecast.backend.cuda.library.CudaDirectories;
import jcuda.driver.CUresult;

/** Turns the results of driver calls into exceptions. */
final class CudaCalls {

    private static final Remedy[] NONE = {};

    private CudaCalls() {
    }

    /**
     * Returns if a call succeeded.
     *
     * @param call its name, and its subject where that helps: "cuModuleGetFunction of scale"
     * @throws CudaException if it failed
     */
    static void check(int result, String call) {
        if (result != CUresult.CUDA_SUCCESS) {
            throw failure(result, call, advice(result),
                    isKernelFault(result) ? new Remedy[] {Remedy.SOFTWARE_DEVICE} : NONE);
        }
    }

    /**
     * Returns if an allocation succeeded.
     *
     * @throws CudaException if it failed; out of memory, with how much was asked for and how much is free
     */
    static void checkAllocation(int result, String call, long bytes) {
        if (result != CUresult.CUDA_ERROR_OUT_OF_MEMORY) {
            check(result, call);
            return;
        }
        long[] free = new long[1];
        long[] total = new long[1];
        String state = cuMemGetInfo(free, total) == CUresult.CUDA_SUCCESS
                ? DeviceMemory.text(free[0]) + " of " + DeviceMemory.text(total[0]) + " are free"
                : "how much is free is not known";
        throw failure(result, call + " of " + DeviceMemory.text(bytes),
                state + "; use a smaller batch or model, or end other programs on the GPU", NONE);
    }

    private static CudaException failure(int result, String call, String advice, Remedy[] remedies) {
        String[] meaning = new String[1];
        boolean known = cuGetErrorString(result, meaning) == CUresult.CUDA_SUCCESS && meaning[0] != null;
        return new CudaException(result, call + " failed with " + CUresult.stringFor(result) + " (" + result + ")"
                + (known ? ", " + meaning[0] : "") + (advice.isEmpty() ? "" : "; " + advice) + ".", remedies);
    }

    private static boolean isKernelFault(int result) {
        return switch (result) {
            case CUresult.CUDA_ERROR_ILLEGAL_ADDRESS, CUresult.CUDA_ERROR_MISALIGNED_ADDRESS,
                    CUresult.CUDA_ERROR_INVALID_ADDRESS_SPACE, CUresult.CUDA_ERROR_INVALID_PC,
                    CUresult.CUDA_ERROR_ILLEGAL_INSTRUCTION, CUresult.CUDA_ERROR_ASSERT,
                    CUresult.CUDA_ERROR_LAUNCH_FAILED -> true;
            default -> false;
        };
    }

    private static String advice(int result) {
        if (isKernelFault(result)) {
            return "a kernel is at fault, and the software device says where: run the same on it";
        }
        return switch (result) {
            case CUresult.CUDA_ERROR_UNSUPPORTED_PTX_VERSION ->
                "NVRTC is newer than NVIDIA's driver: update the driver, or set " + CudaDirectories.NVRTC_VARIABLE
                        + " to the directory of an older NVRTC 12";
            case CUresult.CUDA_ERROR_UNKNOWN, CUresult.CUDA_ERROR_ECC_UNCORRECTABLE,
                    CUresult.CUDA_ERROR_DEVICE_UNAVAILABLE, CUresult.CUDA_ERROR_SYSTEM_NOT_READY ->
                "check the GPU with nvidia-smi";
            default -> "";
        };
    }
}
