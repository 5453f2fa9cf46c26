package io.framecast.backend.cuda.collective;

import io.framecast.backend.AllReduceOp;
import io.framecast.backend.Tensor;
import io.framecast.backend.cuda.driver.DeviceMemory;
import java.util.List;

/** A way between the GPUs of several processes. */
interface Transport {

    AllReduceOp allReduce(List<Tensor> buckets);

    /**
     * Gathers float32 values from all processes, after the work that was launched before.
     *
     * @param all those of process 0, then those of process 1, and so on
     */
    void allGather(DeviceMemory own, DeviceMemory all);

    /** Whether what it does can be recorded in a CUDA graph. */
    boolean canBeCaptured();

    /** Which way it is, and why not NCCL: a line of text. */
    String description();
}
