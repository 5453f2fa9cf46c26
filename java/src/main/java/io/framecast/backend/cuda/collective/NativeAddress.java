package io.framecast.backend.cuda.collective;

import jcuda.driver.CUdeviceptr;
import jcuda.driver.CUstream;
import jcuda.runtime.cudaStream_t;

/** JCuda's pointers as numbers, for libraries that JCuda has no binding to. */
final class NativeAddress {

    /** JCuda shows a pointer's value to subclasses. */
    private static final class Stream extends cudaStream_t {
        private final long address;

        Stream(CUstream stream) {
            super(stream);
            address = getNativePointer();
        }
    }

    private static final class Memory extends CUdeviceptr {
        private final long address;

        Memory(CUdeviceptr memory) {
            super(memory);
            address = getNativePointer() + getByteOffset();
        }
    }

    private NativeAddress() {
    }

    static long of(CUstream stream) {
        return new Stream(stream).address;
    }

    static long of(CUdeviceptr memory) {
        return new Memory(memory).address;
    }
}
