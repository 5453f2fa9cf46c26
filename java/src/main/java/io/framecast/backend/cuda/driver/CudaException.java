package io.framecast.backend.cuda.driver;

import io.framecast.FramecastException;
import io.framecast.Remedy;

/** A call of CUDA's driver that failed. */
public final class CudaException extends FramecastException {

    private final int result;

    /** @param remedies what the message advises */
    public CudaException(int result, String message, Remedy... remedies) {
        super(message, (Throwable) null, remedies);
        this.result = result;
    }

    /** The call's result, one of {@link jcuda.driver.CUresult}. */
    public int result() {
        return result;
    }
}
