package io.framecast.backend.cuda.collective;

import io.framecast.FramecastException;

/** A call of NCCL that failed. */
final class NcclException extends FramecastException {

    private static final long serialVersionUID = 1;

    private final int result;

    NcclException(int result, String message) {
        super(message);
        this.result = result;
    }

    /** The call's result, such as {@link Nccl#REMOTE_ERROR}. */
    int result() {
        return result;
    }
}
