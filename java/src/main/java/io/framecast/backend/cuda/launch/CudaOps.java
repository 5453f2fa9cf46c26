package io.framecast.backend.cuda.launch;

import io.framecast.backend.Tensor;
import io.framecast.backend.cuda.compiler.KernelImages;
import io.framecast.backend.cuda.driver.CudaDevice;
import io.framecast.backend.cuda.driver.CudaKernel;
import io.framecast.backend.cuda.driver.CudaKernel.Dim;
import io.framecast.backend.cuda.driver.DeviceMemory;
import io.framecast.backend.guard.OpGuard;
import java.util.List;
import java.util.Set;

/** Shared by the ops of a device: its kernels, its memory, and the grids of pointwise kernels. */
public final class CudaOps {

    /** The default block of kernels. */
    public static final Dim BLOCK = Dim.of(256);

    /** Blocks of a grid-stride loop for each multiprocessor: enough to hide latency. */
    private static final int BLOCKS_PER_MULTIPROCESSOR = 8;

    private final CudaDevice device;
    private final DeviceArena arena;
    private final Kernels kernels;
    private final int tiledMultiprocessors;
    private final OpGuard guard = new OpGuard();

    public CudaOps(CudaDevice device, KernelImages images) {
        this(device, new LoadedKernels(device, images),
                images.tiledMultiprocessors(device.computeCapability(), device.multiprocessors()));
    }

    private CudaOps(CudaDevice device, Kernels kernels, int tiledMultiprocessors) {
        this.device = device;
        this.arena = new DeviceArena(device);
        this.kernels = kernels;
        this.tiledMultiprocessors = tiledMultiprocessors;
    }

    /** Kernels do nothing: only {@link #loadedModules} counts, the sources that the ops ask for. */
    public static CudaOps listing(CudaDevice device) {
        return new CudaOps(device, new ListedKernels(device), device.multiprocessors());
    }

    public CudaDevice device() {
        return device;
    }

    /** The number of multiprocessors by which tiles are chosen, also on a device with others. */
    public int tiledMultiprocessors() {
        return tiledMultiprocessors;
    }

    public DeviceArena arena() {
        return arena;
    }

    /**
     * A kernel of a CUDA source, compiled for this device and loaded at the first call.
     *
     * @param options further ones of the compiler
     * @throws io.framecast.FramecastException if it cannot be compiled or loaded
     */
    public CudaKernel kernel(String file, String name, List<String> options) {
        return kernels.get(file, name, options);
    }

    /** The same without further options. */
    public CudaKernel kernel(String file, String name) {
        return kernels.get(file, name, List.of());
    }

    /** The sources of all modules that were loaded. */
    public Set<ModuleSource> loadedModules() {
        return kernels.sources();
    }

    /** Checks the calls of the backend, its ops and its tensors. */
    public OpGuard guard() {
        return guard;
    }

    /** A tensor of zeros, which owns its memory. */
    public Tensor zeros(long size) {
        return new CudaTensor(guard, arena.reserveZeros(Float.BYTES * size), 0, size, true);
    }

    /** A tensor of the first values of a region, which an op owns. */
    public Tensor view(DeviceArena.Region region, long size) {
        return new CudaTensor(guard, region, 0, size, false);
    }

    /** The same of operands of tensor cores. @param valueBytes 2 for bfloat16, 4 for tf32 */
    public Tensor operandView(DeviceArena.Region region, long size, int valueBytes) {
        return new OperandTensor(guard, region, 0, size, valueBytes);
    }

    /** Where the float32 values of a tensor of this device are. */
    public static DeviceMemory memory(Tensor tensor) {
        return ((CudaTensor) tensor).memory();
    }

    /** Where a tensor's operands of tensor cores are; null: it has float32 values. */
    public static DeviceMemory operand(Tensor tensor) {
        return tensor instanceof OperandTensor rounded ? rounded.memory() : null;
    }

    /** The grid of a grid-stride loop over float4 values; see cuda-kernels/elementwise.cuh. */
    public Dim rowGrid(long size) {
        return Dim.of((int) Math.max(1, Math.min(ceilDiv(size, 4L * BLOCK.x()), maxBlocks())));
    }

    /** The grid of a kernel with one thread for each item. */
    public Dim itemGrid(long items) {
        return Dim.of(Math.toIntExact(ceilDiv(items, BLOCK.x())));
    }

    /** The most blocks that a grid-stride loop should have. */
    int maxBlocks() {
        return BLOCKS_PER_MULTIPROCESSOR * device.multiprocessors();
    }

    public static long ceilDiv(long a, long b) {
        return (a + b - 1) / b;
    }

    public static int ceilDiv(int a, int b) {
        return (int) ceilDiv((long) a, (long) b);
    }
}
