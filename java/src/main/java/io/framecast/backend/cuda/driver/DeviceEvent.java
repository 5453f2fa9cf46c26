package io.framecast.backend.cuda.driver;

import static io.framecast.backend.cuda.driver.CudaCalls.check;
import static jcuda.driver.CUevent_flags.CU_EVENT_DISABLE_TIMING;
import static jcuda.driver.JCudaDriver.cuEventCreate;
import static jcuda.driver.JCudaDriver.cuEventDestroy;
import static jcuda.driver.JCudaDriver.cuEventRecord;
import static jcuda.driver.JCudaDriver.cuEventSynchronize;
import static jcuda.driver.JCudaDriver.cuStreamWaitEvent;

import jcuda.driver.CUevent;
import jcuda.driver.CUstream;

/** A place in a stream that other streams, and threads, can wait for. */
public final class DeviceEvent extends DeviceResource {

    private final CUevent event = new CUevent();

    private DeviceEvent(CudaDevice device) {
        super(device);
    }

    /** An event that its device closes, unless it is closed before. */
    public static DeviceEvent create(CudaDevice device) {
        device.enter();
        DeviceEvent made = new DeviceEvent(device);
        check(cuEventCreate(made.event, CU_EVENT_DISABLE_TIMING), "cuEventCreate");
        return device.own(made);
    }

    /** The place after the work that the stream has now. */
    public void record(CUstream stream) {
        device.enter();
        check(cuEventRecord(event, stream), "cuEventRecord");
    }

    /** Lets what comes on a stream wait for the place that was recorded last. */
    public void holdBack(CUstream stream) {
        device.enter();
        check(cuStreamWaitEvent(stream, event, 0), "cuStreamWaitEvent");
    }

    /** Waits for the place that was recorded last. */
    public void synchronize() {
        device.enter();
        check(cuEventSynchronize(event), "cuEventSynchronize");
    }

    @Override
    protected void release() {
        check(cuEventDestroy(event), "cuEventDestroy");
    }
}
