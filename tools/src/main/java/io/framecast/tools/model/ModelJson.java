package io.framecast.tools.model;

import io.framecast.device.sampling.CountedLaunches;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

/** A modelled step for JSON, in the units of its names. */
public final class ModelJson {

    private ModelJson() {
    }

    public static Map<String, Object> of(StepModel step) {
        Map<String, Object> map = new LinkedHashMap<>();
        map.put("modelled", true);
        map.put("model", step.model());
        map.put("gpu", step.gpu().board());
        map.put("compute_capability", step.gpu().computeCapability());
        map.put("multiprocessors", step.gpu().multiprocessors());
        map.put("precision", step.precision().name().toLowerCase(Locale.ROOT));
        map.put("batch_size", step.batch());
        map.put("frames", step.frames());
        map.put("modelled_seconds_per_step", step.seconds());
        map.put("gflop_per_step", step.flop() / 1e9);
        map.put("modelled_gflops", step.flop() / step.seconds() / 1e9);
        map.put("limit_gflops", step.gpu().peak(step.precision()) / 1e9);
        map.put("modelled_share_of_limit", step.shareOfLimit());
        map.put("launches_per_step", step.launches());
        map.put("epoch_videos", StepModel.EPOCH_VIDEOS);
        map.put("modelled_epoch_seconds", step.epochSeconds());
        map.put("kernels", step.kernels().stream().map(kernel -> of(kernel, step.gpu())).toList());
        return map;
    }

    private static Map<String, Object> of(LaunchTime kernel, GpuRates gpu) {
        CountedLaunches launches = kernel.launches();
        Map<String, Object> map = new LinkedHashMap<>();
        map.put("kernel", launches.kernel());
        map.put("file", launches.file());
        map.put("options", launches.options());
        map.put("grid", launches.grid());
        map.put("threads", launches.threads());
        map.put("registers", launches.registers());
        map.put("shared_bytes", launches.sharedBytes());
        map.put("launches", launches.launches());
        map.put("blocks_per_multiprocessor", kernel.residentBlocks());
        map.put("waves", kernel.waves());
        map.put("balance", kernel.balance(gpu));
        map.put("bound", kernel.bound().label());
        map.put("modelled_seconds", kernel.allSeconds());
        Map<String, Object> resources = new LinkedHashMap<>();
        for (Resource resource : Resource.values()) {
            resources.put(resource.label(), kernel.allSeconds(resource));
        }
        map.put("modelled_resource_seconds", resources);
        map.put("warp_instructions", launches.instructions());
        map.put("tensor_operations", launches.tensorOperations());
        map.put("warp_instructions_per_tensor_operation", launches.tensorOperations() == 0 ? null
                : (double) launches.instructions() / launches.tensorOperations());
        map.put("gflop_by_tensor_type", gflop(launches));
        map.put("shared_wavefronts", launches.wavefronts());
        map.put("sectors", launches.sectors());
        map.put("bus_sectors", launches.busSectors());
        map.put("distinct_sectors_read", launches.sectorsRead());
        map.put("distinct_sectors_written", launches.sectorsWritten());
        return map;
    }

    private static Map<String, Object> gflop(CountedLaunches launches) {
        Map<String, Object> map = new LinkedHashMap<>();
        launches.tensorFlop().forEach((type, flop) -> map.put(type, flop / 1e9));
        return map;
    }
}
