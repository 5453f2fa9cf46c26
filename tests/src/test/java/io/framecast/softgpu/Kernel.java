package io.framecast.softgpu;

import static io.framecast.softgpu.SoftDevice.check;
import static jcuda.driver.JCudaDriver.cuFuncSetAttribute;
import static jcuda.driver.JCudaDriver.cuLaunchKernel;

import java.util.Arrays;
import jcuda.NativePointerObject;
import jcuda.Pointer;
import jcuda.driver.CUfunction;
import jcuda.driver.CUfunction_attribute;

/** A kernel of a test. */
final class Kernel {

    /** The shape of a grid or of a block. */
    record Dim(int x, int y, int z) {
        static Dim of(int x) {
            return new Dim(x, 1, 1);
        }

        static Dim of(int x, int y) {
            return new Dim(x, y, 1);
        }

        static Dim of(int x, int y, int z) {
            return new Dim(x, y, z);
        }
    }

    private final CUfunction function;
    private int sharedBytes;

    Kernel(CUfunction function) {
        this.function = function;
    }

    CUfunction function() {
        return function;
    }

    /** Sets the dynamic shared memory of later launches, in bytes, with opt-in if needed. */
    Kernel shared(int bytes) {
        if (bytes > 48 * 1024) {
            check(cuFuncSetAttribute(function,
                    CUfunction_attribute.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, bytes));
        }
        sharedBytes = bytes;
        return this;
    }

    /**
     * Launches and waits. Arguments are {@link Buffer}s, device pointers, and boxed numbers of exactly the parameters'
     * types: {@code 3} is an int, {@code 3L} a long, {@code 3f} a float.
     *
     * @throws SoftDevice.CudaError if it fails
     */
    void launch(Dim grid, Dim block, Object... arguments) {
        Pointer[] values = Arrays.stream(arguments).map(Kernel::value).toArray(Pointer[]::new);
        check(cuLaunchKernel(function, grid.x, grid.y, grid.z, block.x, block.y, block.z, sharedBytes, null,
                Pointer.to(values), null));
        SoftDevice.synchronize();
    }

    void launch(int grid, int block, Object... arguments) {
        launch(Dim.of(grid), Dim.of(block), arguments);
    }

    /** A pointer to the argument's value, for cuLaunchKernel. */
    private static Pointer value(Object argument) {
        if (argument instanceof Buffer buffer) {
            return Pointer.to(buffer.pointer());
        }
        if (argument instanceof NativePointerObject pointer) {
            return Pointer.to(pointer);
        }
        if (argument instanceof Byte number) {
            return Pointer.to(new byte[] {number});
        }
        if (argument instanceof Short number) {
            return Pointer.to(new short[] {number});
        }
        if (argument instanceof Integer number) {
            return Pointer.to(new int[] {number});
        }
        if (argument instanceof Long number) {
            return Pointer.to(new long[] {number});
        }
        if (argument instanceof Float number) {
            return Pointer.to(new float[] {number});
        }
        if (argument instanceof Double number) {
            return Pointer.to(new double[] {number});
        }
        throw new IllegalArgumentException("no kernel parameter takes a " + argument.getClass().getName());
    }
}
