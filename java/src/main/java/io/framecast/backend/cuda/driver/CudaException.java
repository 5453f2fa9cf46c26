package io.framecast.backend.cuda.driver;

import io.framecast.FramecastException;
import io.framecast.Remedy;
import jcuda.driver.CUresult;

/** A call of CUDA's driver that failed. */
public final class CudaException extends FramecastException {

    private final int result;

    /** @param remedies what the message advises */
    public CudaException(int result, String message, Remedy... remedies) {
        super(message, (Throwable) null, remedies);
        this.result = result;
    }

    /** The call's result, one of {@link CUresult}. */
    public int result() {
        return result;
    }

    /** Whether the driver does not take compiled kernels, and may take others of the same source. */
    public boolean isOfImage() {
        return switch (result) {
            case CUresult.CUDA_ERROR_INVALID_IMAGE, CUresult.CUDA_ERROR_NO_BINARY_FOR_GPU,
                    CUresult.CUDA_ERROR_INVALID_PTX, CUresult.CUDA_ERROR_UNSUPPORTED_PTX_VERSION,
                    CUresult.CUDA_ERROR_JIT_COMPILER_NOT_FOUND, CUresult.CUDA_ERROR_JIT_COMPILATION_DISABLED,
                    CUresult.CUDA_ERROR_INVALID_SOURCE -> true;
            default -> false;
        };
    }
}
