package io.framecast.backend.cuda.vendor;

import io.framecast.FramecastException;
import jcuda.jcublas.JCublas2;
import jcuda.jcudnn.JCudnn;

/** Turns the statuses of cuDNN and cuBLAS into exceptions. Success is 0 in both libraries. */
final class VendorCalls {

    static final int SUCCESS = 0;

    private VendorCalls() {
    }

    /**
     * Returns if a call of cuDNN succeeded.
     *
     * @throws FramecastException if it failed
     */
    static void checkCudnn(int status, String call) {
        if (status != SUCCESS) {
            // By the library, since JCuda has the names of cuDNN 8, which numbers its statuses differently.
            String name = JCudnn.cudnnGetErrorString(status);
            throw failure(call, name, status, meaning(status) + (name.contains("SUBLIBRARY")
                    ? "; the files of cuDNN are not all there or not of one version: install it anew, and take other "
                            + "directories that hold it off LD_LIBRARY_PATH" : ""));
        }
    }

    /**
     * Returns if a call of cuBLAS succeeded.
     *
     * @throws FramecastException if it failed
     */
    static void checkCublas(int status, String call) {
        if (status != SUCCESS) {
            throw failure(call, JCublas2.cublasGetStatusName(status), status, JCublas2.cublasGetStatusString(status));
        }
    }

    /** In cuDNN 9 the thousands of a status are its category. */
    private static String meaning(int status) {
        return switch (status / 1000) {
            case 1 -> "the library is not ready";
            case 2 -> "a parameter is wrong";
            case 3 -> "the library does not do this";
            case 4 -> "an error within the library";
            case 5 -> "the work failed on the device";
            default -> "a status that cuDNN 9 does not have";
        };
    }

    private static FramecastException failure(String call, String name, int status, String meaning) {
        return new FramecastException(call + " failed with " + name + " (" + status + "), " + meaning + ".");
    }
}
