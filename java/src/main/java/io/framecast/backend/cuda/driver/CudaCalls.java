package io.framecast.backend.cuda;

import static jcuda.driver.JCudaDriver.cuGetErrorString;
import static jcuda.driver.JCudaDriver.cuMemGetInfo;

import java.util.Locale;
import jcuda.driver.CUresult;

/** What the calls of CUDA's driver return. */
final class CudaCalls {

    private CudaCalls() {
    }

    /**
     * Passes a call that succeeded.
     *
     * @param call its name, and what it was about where that helps: "cuModuleGetFunction of scale"
     * @throws CudaException if it failed
     */
    static void check(int result, String call) {
        if (result != CUresult.CUDA_SUCCESS) {
            throw new CudaException(result, sentence(result, call, advice(result)));
        }
    }

    /**
     * Passes an allocation that succeeded.
     *
     * @throws CudaException if it failed; where memory is short, with how much was asked for and how much is free
     */
    static void checkAllocation(int result, String call, long bytes) {
        if (result != CUresult.CUDA_ERROR_OUT_OF_MEMORY) {
            check(result, call);
            return;
        }
        long[] free = new long[1];
        long[] total = new long[1];
        String state = cuMemGetInfo(free, total) == CUresult.CUDA_SUCCESS
                ? bytes(free[0]) + " of " + bytes(total[0]) + " are free" : "how much is free is not known";
        throw new CudaException(result, sentence(result, call + " of " + bytes(bytes),
                state + "; use a smaller batch or model, or end other programs on the GPU"));
    }

    private static String sentence(int result, String call, String rest) {
        String[] meaning = new String[1];
        boolean known = cuGetErrorString(result, meaning) == CUresult.CUDA_SUCCESS && meaning[0] != null;
        return call + " failed with " + CUresult.stringFor(result) + " (" + result + ")"
                + (known ? ", " + meaning[0] : "") + (rest.isEmpty() ? "" : "; " + rest) + ".";
    }

    private static String advice(int result) {
        return switch (result) {
            case CUresult.CUDA_ERROR_ILLEGAL_ADDRESS, CUresult.CUDA_ERROR_MISALIGNED_ADDRESS,
                    CUresult.CUDA_ERROR_INVALID_ADDRESS_SPACE, CUresult.CUDA_ERROR_INVALID_PC,
                    CUresult.CUDA_ERROR_ILLEGAL_INSTRUCTION, CUresult.CUDA_ERROR_ASSERT,
                    CUresult.CUDA_ERROR_LAUNCH_FAILED ->
                "a kernel is at fault, and the software device says where: run the same with --device softgpu";
            case CUresult.CUDA_ERROR_UNSUPPORTED_PTX_VERSION ->
                "NVRTC is newer than NVIDIA's driver: update the driver, or set " + Nvrtc.VARIABLE
                        + " to the directory of an older NVRTC 12";
            case CUresult.CUDA_ERROR_UNKNOWN, CUresult.CUDA_ERROR_ECC_UNCORRECTABLE,
                    CUresult.CUDA_ERROR_DEVICE_UNAVAILABLE, CUresult.CUDA_ERROR_SYSTEM_NOT_READY ->
                "check the GPU with nvidia-smi";
            default -> "";
        };
    }

    /** For people. */
    static String bytes(long bytes) {
        return bytes < 10L << 30 ? String.format(Locale.ROOT, "%.1f MiB", bytes / (double) (1 << 20))
                : String.format(Locale.ROOT, "%.1f GiB", bytes / (double) (1 << 30));
    }
}
