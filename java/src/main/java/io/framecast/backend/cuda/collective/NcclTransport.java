package io.framecast.backend.cuda.collective;

import io.framecast.backend.AllReduceOp;
import io.framecast.backend.ProcessGroup;
import io.framecast.backend.Tensor;
import io.framecast.backend.cuda.driver.CudaDevice;
import io.framecast.backend.cuda.driver.DeviceMemory;
import io.framecast.backend.cuda.driver.SideStream;
import io.framecast.backend.cuda.launch.CudaOps;
import java.util.List;

/**
 * NCCL, with one communicator for all. Sums run on a stream beside the device's; what is gathered is needed at once,
 * and so it is gathered on the device's. A thread watches that the other processes are there: NCCL would wait for ever
 * for one that is not.
 */
final class NcclTransport implements Transport {

    private final CudaDevice device;
    private final Nccl nccl;
    private final NcclCommunicator communicator;
    private final SideStream side;

    NcclTransport(CudaDevice device, ProcessGroup group, Nccl nccl, NcclCommunicator communicator) {
        this.device = device;
        this.nccl = nccl;
        this.communicator = communicator;
        side = SideStream.open(device);
        NcclWatch watch = device.own(new NcclWatch(device, group, communicator));
        device.checkAfterWaiting(watch::requireAll);
    }

    @Override
    public AllReduceOp allReduce(List<Tensor> buckets) {
        return new AllReduceOp() {
            @Override
            public void start(int bucket) {
                side.fork();
                communicator.allReduce(CudaOps.memory(buckets.get(bucket)), side.stream());
            }

            @Override
            public void await() {
                side.join();
            }

            /** The communicator and the stream are for all ops. */
            @Override
            public void close() {
                side.join();
            }
        };
    }

    @Override
    public void allGather(DeviceMemory own, DeviceMemory all) {
        communicator.allGather(own, all, device.stream());
    }

    @Override
    public boolean canBeCaptured() {
        return true;
    }

    @Override
    public String description() {
        return nccl.describe();
    }
}
