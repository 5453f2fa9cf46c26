package io.framecast.backend.cuda.driver;

import static io.framecast.backend.cuda.driver.CudaCalls.check;
import static jcuda.driver.CUfunction_attribute.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES;
import static jcuda.driver.CUfunction_attribute.CU_FUNC_ATTRIBUTE_PREFERRED_SHARED_MEMORY_CARVEOUT;
import static jcuda.driver.JCudaDriver.cuFuncSetAttribute;
import static jcuda.driver.JCudaDriver.cuLaunchKernel;

import java.util.Arrays;
import jcuda.Pointer;
import jcuda.driver.CUfunction;

/** A kernel of a {@link CudaModule}. */
public final class CudaKernel {

    /** Static plus dynamic shared memory of a block; a kernel that needs more has to ask for it. */
    private static final int DEFAULT_SHARED_BYTES = 48 * 1024;

    /** Shared memory of each block that the driver keeps for itself, from compute capability 8.0 on. */
    public static final int RESERVED_BYTES = 1024;

    /** The shape of a grid, in blocks, or of a block, in threads. */
    public record Dim(int x, int y, int z) {
        public static Dim of(int x) {
            return new Dim(x, 1, 1);
        }

        public static Dim of(int x, int y) {
            return new Dim(x, y, 1);
        }

        @Override
        public String toString() {
            return "(" + x + ", " + y + ", " + z + ")";
        }
    }

    private final CudaModule module;
    private final String name;
    private final CUfunction function;
    private final int staticSharedBytes;

    CudaKernel(CudaModule module, String name, CUfunction function, int staticSharedBytes) {
        this.module = module;
        this.name = name;
        this.function = function;
        this.staticSharedBytes = staticSharedBytes;
    }

    /**
     * Divides a multiprocessor's memory for this kernel: as much shared memory as so many blocks need, and the rest for
     * the L1 cache. A wish: the driver may do otherwise.
     *
     * @param sharedBytes of dynamic shared memory for each block
     */
    public void preferSharedMemory(int sharedBytes, int blocks) {
        module.requireOpen();
        module.device.enter();
        long bytes = (long) blocks * (staticSharedBytes + sharedBytes + RESERVED_BYTES);
        long percent = Math.min(100, (100 * bytes - 1) / module.device.sharedBytesOfMultiprocessor() + 1);
        check(cuFuncSetAttribute(function, CU_FUNC_ATTRIBUTE_PREFERRED_SHARED_MEMORY_CARVEOUT, (int) percent),
                "cuFuncSetAttribute of " + name + " for " + percent + " % of shared memory");
    }

    /**
     * Launches the kernel, after all work launched before, and does not wait for it.
     *
     * @param sharedBytes of dynamic shared memory for each block
     * @param arguments one for each parameter, of exactly its size: for a pointer {@link DeviceMemory}, or null; for a
     *        number {@link Integer}, {@link Long} or {@link Float}
     * @throws CudaException if the launch is invalid. Errors of the running kernel are thrown by a later call
     */
    public void launch(Dim grid, Dim block, int sharedBytes, Object... arguments) {
        module.requireOpen();
        module.device.enter();
        if (staticSharedBytes + sharedBytes > DEFAULT_SHARED_BYTES) {
            check(cuFuncSetAttribute(function, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, sharedBytes),
                    "cuFuncSetAttribute of " + name + " for " + sharedBytes + " bytes of shared memory");
        }
        Pointer[] values = Arrays.stream(arguments).map(this::value).toArray(Pointer[]::new);
        module.device.launch(name, () -> launch(grid, block, sharedBytes, values));
    }

    private void launch(Dim grid, Dim block, int sharedBytes, Pointer[] values) {
        check(cuLaunchKernel(function, grid.x, grid.y, grid.z, block.x, block.y, block.z, sharedBytes,
                module.device.stream(), Pointer.to(values), null),
                "cuLaunchKernel of " + name + " on grid " + grid + ", block " + block);
    }

    /** A pointer to the argument, as cuLaunchKernel wants it. */
    private Pointer value(Object argument) {
        if (argument == null) {
            return Pointer.to(new long[1]);
        }
        if (argument instanceof DeviceMemory memory) {
            return Pointer.to(memory.pointer());
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
        throw new IllegalArgumentException("kernel " + name + " cannot be given a " + argument.getClass().getName());
    }
}
