package io.framecast.backend.cuda.driver;

import static jcuda.driver.JCudaDriver.cuGetErrorName;
import static jcuda.driver.JCudaDriver.cuGetErrorString;

import io.framecast.Remedy;
import java.util.List;
import jcuda.driver.CUresult;

/** Turns the results of driver calls into exceptions. */
final class CudaCalls {

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
            throw failure(result, call, CudaAdvice.of(result));
        }
    }

    /**
     * Returns if an allocation succeeded.
     *
     * @throws CudaException if it failed; out of memory, with how much was asked for and how much is free
     */
    static void checkAllocation(int result, String call, long bytes, CudaDevice device) {
        if (result != CUresult.CUDA_ERROR_OUT_OF_MEMORY) {
            check(result, call);
            return;
        }
        String state;
        try {
            state = device.memoryState().toString();
        } catch (CudaException e) {
            state = "how much is free is not known";
        }
        throw failure(result, call + " of " + DeviceMemory.text(bytes), new CudaAdvice(
                state + "; use a smaller batch or model, or end other programs on the GPU", List.of()));
    }

    /** The name of a result, such as "CUDA_ERROR_NO_DEVICE"; of one that is newer than JCuda, too. */
    static String name(int result) {
        String[] name = new String[1];
        boolean known = cuGetErrorName(result, name) == CUresult.CUDA_SUCCESS && name[0] != null;
        return known ? name[0] : CUresult.stringFor(result);
    }

    private static CudaException failure(int result, String call, CudaAdvice advice) {
        String[] meaning = new String[1];
        boolean known = cuGetErrorString(result, meaning) == CUresult.CUDA_SUCCESS && meaning[0] != null;
        return new CudaException(result, call + " failed with " + name(result) + " (" + result + ")"
                + (known ? ", " + meaning[0] : "") + (advice.text().isEmpty() ? "" : "; " + advice.text()) + ".",
                advice.remedies().toArray(Remedy[]::new));
    }
}
