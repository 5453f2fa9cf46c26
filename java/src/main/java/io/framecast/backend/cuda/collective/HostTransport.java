package io.framecast.backend.cuda.collective;

import io.framecast.backend.AllReduceOp;
import io.framecast.backend.ProcessGroup;
import io.framecast.backend.Tensor;
import io.framecast.backend.cuda.driver.CudaDevice;
import io.framecast.backend.cuda.driver.DeviceMemory;
import java.util.List;

/** The memory of the hosts, and the network between them. Threads of the program take part, so that no graph can. */
final class HostTransport implements Transport {

    private final CudaDevice device;
    private final ProcessGroup group;
    private final String reason;

    HostTransport(CudaDevice device, ProcessGroup group, String reason) {
        this.device = device;
        this.group = group;
        this.reason = reason;
    }

    @Override
    public AllReduceOp allReduce(List<Tensor> buckets) {
        return new HostAllReduce(device, group, buckets);
    }

    @Override
    public void allGather(DeviceMemory own, DeviceMemory all) {
        int count = Math.toIntExact(own.bytes() / Float.BYTES);
        float[] values = new float[count];
        own.read(0, values, 0, count);
        double[] numbers = new double[count];
        for (int k = 0; k < count; k++) {
            numbers[k] = values[k];
        }
        double[] gathered = group.allGather(numbers);
        float[] back = new float[gathered.length];
        for (int k = 0; k < back.length; k++) {
            back[k] = (float) gathered[k];
        }
        all.write(0, back, 0, back.length);
    }

    @Override
    public boolean canBeCaptured() {
        return false;
    }

    @Override
    public String description() {
        return "the hosts' memory, not NCCL: " + reason;
    }
}
