package io.framecast.backend.cuda.collective;

import io.framecast.FramecastException;
import io.framecast.backend.AllReduceOp;
import io.framecast.backend.ProcessGroup;
import io.framecast.backend.Tensor;
import io.framecast.backend.cuda.driver.CudaDevice;
import io.framecast.backend.cuda.driver.DeviceMemory;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What the devices of several processes compute together: by NCCL if every process has it and a GPU of its own, else
 * through the memory of the host. The way is found at the first use, to which all processes must come in the same
 * order.
 */
public final class Collectives {

    private final CudaDevice device;
    private final ProcessGroup group;
    private final Map<String, String> environment;
    /** Null: none was needed yet. */
    private Transport transport;

    /** @param group of at least two processes */
    public Collectives(CudaDevice device, ProcessGroup group, Map<String, String> environment) {
        this.device = device;
        this.group = group;
        this.environment = environment;
    }

    /** The number of processes. */
    public int size() {
        return group.size();
    }

    /**
     * An op that sums tensors over all processes; see {@link io.framecast.backend.Backend#allReduce}.
     *
     * @throws FramecastException if a way was found, and fails
     */
    public AllReduceOp allReduce(List<Tensor> buckets) {
        return transport().allReduce(buckets);
    }

    /**
     * Gathers float32 values from all processes, in the order of the device's stream.
     *
     * @param all those of process 0, then those of process 1, and so on
     */
    public void allGather(DeviceMemory own, DeviceMemory all) {
        transport().allGather(own, all);
    }

    /** Whether all that was used so far can be recorded in a CUDA graph. */
    public boolean canBeCaptured() {
        return transport == null || transport.canBeCaptured();
    }

    /** The way that was found, with the reason if it is not NCCL: a line of text. */
    public Optional<String> description() {
        return Optional.ofNullable(transport).map(Transport::description);
    }

    private Transport transport() {
        if (transport == null) {
            transport = open();
        }
        return transport;
    }

    /** All processes take the same way: process 0 hears from all what they have, and decides. */
    private Transport open() {
        Nccl nccl = null;
        String missing = "";
        try {
            nccl = Nccl.load(environment);
        } catch (FramecastException e) {
            missing = e.getMessage().replaceFirst("\\.$", "");
        }
        List<byte[]> all = group.gather((device.identity() + "\n" + missing).getBytes(StandardCharsets.UTF_8));
        String obstacle = group.rank() > 0 ? "" : obstacle(all.stream()
                .map(bytes -> new String(bytes, StandardCharsets.UTF_8).split("\n", 2)).toList());
        String decided = new String(group.broadcast(obstacle.getBytes(StandardCharsets.UTF_8)),
                StandardCharsets.UTF_8);
        if (!decided.isEmpty()) {
            return new HostTransport(device, group, decided);
        }
        byte[] id = group.broadcast(group.rank() == 0 ? nccl.uniqueId() : null);
        return new NcclTransport(device, group, nccl,
                NcclCommunicator.open(device, nccl, group.size(), id, group.rank()));
    }

    /** Why NCCL cannot be used; empty if it can. @param told by each process: its GPU, and what it misses */
    private static String obstacle(List<String[]> told) {
        List<String> gpus = new ArrayList<>();
        for (int rank = 0; rank < told.size(); rank++) {
            String gpu = told.get(rank)[0];
            String missing = told.get(rank)[1];
            if (!missing.isEmpty()) {
                return (rank == 0 ? "" : "process " + rank + ": ") + missing;
            }
            if (gpus.contains(gpu)) {
                return "processes " + gpus.indexOf(gpu) + " and " + rank + " have the same GPU";
            }
            gpus.add(gpu);
        }
        return "";
    }
}
