package io.framecast.backend.cuda;

import io.framecast.FramecastException;

/** A call of CUDA that failed. */
public final class CudaException extends FramecastException {

    private final int result;

    CudaException(int result, String message) {
        super(message);
        this.result = result;
    }

    /** The call's result, one of {@link jcuda.driver.CUresult}. */
    public int result() {
        return result;
    }
}
