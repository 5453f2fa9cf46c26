package io.framecast.tools.model;

import io.framecast.device.sampling.CountedLaunches;
import java.util.Collections;
import java.util.EnumMap;
import java.util.Map;

/**
 * How long a kernel's launches take by a model: each runs one after the other, for as long as the resource that it
 * needs longest, if nothing else holds it up. A real GPU takes longer, since latencies are not modelled: there are
 * taken to be enough warps to hide them. Only where the model counts too much may it be faster: of PTX's instructions,
 * the compiler for the GPU joins some.
 *
 * <p>Blocks are dealt to the multiprocessors one by one, as many as are resident at a time, and all take the mean
 * block's share of the work. So the multiprocessor with the most blocks sets the time.
 *
 * @param launches what was counted
 * @param residentBlocks how many blocks a multiprocessor holds at a time
 * @param busiest how many blocks of a launch run on the busiest multiprocessor
 * @param waves blocks of a launch as a multiple of all that the GPU holds at a time
 * @param seconds what each resource takes for one launch
 */
public record LaunchTime(CountedLaunches launches, int residentBlocks, long busiest, double waves,
        Map<Resource, Double> seconds) {

    private static final int WARP = 32;

    /**
     * The time by a GPU's rates.
     *
     * @throws IllegalArgumentException if a block does not fit a multiprocessor, or there is no rate for an operation
     */
    public static LaunchTime of(CountedLaunches counted, GpuRates gpu) {
        int resident = gpu.limits().residentBlocks(counted.threads(), counted.registers(), counted.sharedBytes());
        long blocks = counted.blocks();
        long busiest = (blocks + gpu.multiprocessors() - 1) / gpu.multiprocessors();
        // The share of the schedulers, each with its own pipes, that have a warp.
        double used = Math.min(1, (double) Math.min(resident, busiest) * MultiprocessorLimits.warps(counted.threads())
                / GpuRates.SCHEDULERS);
        // What the busiest multiprocessor does in a launch, of a count of all launches.
        double share = (double) busiest / blocks / counted.launches();

        Map<Resource, Double> seconds = new EnumMap<>(Resource.class);
        double tensor = 0;
        for (Map.Entry<String, Long> flop : counted.tensorFlop().entrySet()) {
            tensor += flop.getValue() / (gpu.tensor(flop.getKey()) / gpu.multiprocessors());
        }
        seconds.put(Resource.TENSOR, share * tensor / used);
        double cycle = share / gpu.clock();
        seconds.put(Resource.FP32, cycle * counted.warps("float32") * WARP / gpu.fp32() / used);
        seconds.put(Resource.FP64, cycle * counted.warps("float64") * WARP / gpu.fp64() / used);
        seconds.put(Resource.SPECIAL, cycle * counted.warps("special") * WARP / GpuRates.SPECIAL / used);
        seconds.put(Resource.ISSUE, cycle * counted.instructions() / GpuRates.SCHEDULERS / used);
        // A wavefront is what the banks do in a cycle.
        seconds.put(Resource.SHARED, cycle * counted.wavefronts());
        double l2Bytes = (double) CountedLaunches.SECTOR * counted.sectors();
        seconds.put(Resource.L2, Math.max(l2Bytes / counted.launches() / gpu.l2(),
                cycle * l2Bytes / GpuRates.L2_PORT_BYTES));
        seconds.put(Resource.MEMORY, (double) counted.busBytes() / counted.launches() / gpu.memory());
        seconds.put(Resource.LAUNCH, GpuRates.LAUNCH_SECONDS);
        return new LaunchTime(counted, resident, busiest,
                (double) blocks / ((long) resident * gpu.multiprocessors()), Collections.unmodifiableMap(seconds));
    }

    /** The resource that takes longest: where a launch itself does, there is too little work. */
    public Resource bound() {
        return Collections.max(seconds.entrySet(), Map.Entry.comparingByValue()).getKey();
    }

    /** Seconds of one launch: its beginning and end, and between them what takes longest. */
    public double launchSeconds() {
        double work = seconds.entrySet().stream().filter(of -> of.getKey() != Resource.LAUNCH)
                .mapToDouble(Map.Entry::getValue).max().orElse(0);
        return seconds.get(Resource.LAUNCH) + work;
    }

    /** Seconds of all launches. */
    public double allSeconds() {
        return launches.launches() * launchSeconds();
    }

    /** Seconds that a resource takes for all launches. */
    public double allSeconds(Resource resource) {
        return launches.launches() * seconds.get(resource);
    }

    /** Blocks of a launch as a share of those of a launch that keeps all multiprocessors as busy as the busiest. */
    public double balance(GpuRates gpu) {
        return (double) launches.blocks() / (busiest * gpu.multiprocessors());
    }
}
