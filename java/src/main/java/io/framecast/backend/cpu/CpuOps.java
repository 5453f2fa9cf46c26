package io.framecast.backend.cpu;

import io.framecast.FramecastException;
import io.framecast.Remedy;
import io.framecast.backend.guard.OpGuard;
import io.framecast.cpu.NativeCpu;
import java.util.function.Supplier;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;

/** Shared by the ops of a device: its memory, and how its errors are reported. */
record CpuOps(NativeCpu.Device device, OpGuard guard) {

    /** A tensor of zeros. */
    CpuTensor zeros(long size) {
        NativeCpu.Memory memory = call(() -> new NativeCpu.Memory(device, size * Float.BYTES));
        return new CpuTensor(guard, memory.floats(), size, memory, true);
    }

    /** A view of memory that belongs to {@code owner}, valid until that is closed; null for a null pointer. */
    CpuTensor view(Pointer owner, FloatPointer values, long size) {
        return values == null ? null : new CpuTensor(guard, values, size, owner, false);
    }

    /**
     * Runs a native call that may fail for want of memory or of a oneDNN implementation.
     *
     * @throws FramecastException with the C++ message
     */
    static <T> T call(Supplier<T> call) {
        try {
            return call.get();
        } catch (RuntimeException e) {
            String message = "The CPU backend failed: " + e.getMessage();
            if (String.valueOf(e.getMessage()).startsWith("out of memory")) {
                throw new FramecastException(message + "; choose a smaller batch, shorter videos or a smaller model.",
                        e, Remedy.SMALLER_BATCH);
            }
            throw new FramecastException(message + ".", e);
        }
    }
}
