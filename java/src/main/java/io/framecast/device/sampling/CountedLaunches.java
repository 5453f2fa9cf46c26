package io.framecast.device.sampling;

import io.framecast.backend.cuda.compiler.KernelResources;
import io.framecast.backend.cuda.launch.ModuleSource;
import java.util.List;
import java.util.Map;

/**
 * What the launches of a kernel with one shape of grid and block did, all together.
 *
 * @param kernel its name
 * @param file the CUDA source, a resource of io/framecast/cuda
 * @param options the options that it was compiled with, besides those of all sources
 * @param grid blocks, in three dimensions
 * @param threads of a block
 * @param registers of a thread, by the compiler for the GPU
 * @param sharedBytes of a block, static and dynamic
 * @param launches how many
 * @param warps warp instructions by the software device's class, such as "float32", of PTX: the compiler for the GPU
 *     joins some and adds others
 * @param tensorFlop multiplications and additions of tensor cores by the type of the operands, such as "bf16"
 * @param tensorOperations warp instructions of tensor cores
 * @param wavefronts passes over the banks of shared memory, 128 bytes each
 * @param sectors 32-byte sectors of device memory that were asked for and not found in a level 1 cache, by the software
 *     device's model of it
 * @param sectorsRead distinct ones that a launch reads, summed over the launches
 * @param sectorsWritten likewise
 * @param busSectors of both, without those that the level 2 cache still has from the launch before, or has yet to write
 */
public record CountedLaunches(String kernel, String file, List<String> options, List<Integer> grid, int threads,
        int registers, int sharedBytes, long launches, Map<String, Long> warps, Map<String, Long> tensorFlop,
        long tensorOperations, long wavefronts, long sectors, long sectorsRead, long sectorsWritten,
        long busSectors) {

    /** Bytes of a sector. */
    public static final int SECTOR = 32;

    static CountedLaunches of(ModuleSource source, KernelResources kernel, CounterJson.Shape shape) {
        return new CountedLaunches(kernel.kernel(), source.file(), source.options(), shape.grid(), shape.threads(),
                kernel.registers(), kernel.shared() + shape.dynamicShared(), shape.launches(), shape.warps(),
                shape.tensorFlop(), shape.tensorOperations(), shape.wavefronts(), shape.sectors(), shape.sectorsRead(),
                shape.sectorsWritten(), shape.busSectors());
    }

    /** {@return the blocks of a launch} */
    public long blocks() {
        return grid.stream().mapToLong(Integer::longValue).reduce(1, Math::multiplyExact);
    }

    /**
     * {@return warp instructions of some classes}
     *
     * @param classes the software device's names
     */
    public long warps(String... classes) {
        return List.of(classes).stream().mapToLong(name -> warps.getOrDefault(name, 0L)).sum();
    }

    /** {@return all warp instructions} */
    public long instructions() {
        return warps.values().stream().mapToLong(Long::longValue).sum();
    }

    /** {@return bytes that cross the bus of the device's memory, by all launches} */
    public long busBytes() {
        return SECTOR * busSectors;
    }
}
