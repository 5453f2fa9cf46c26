package io.framecast.backend.cuda.driver;

import static io.framecast.backend.cuda.driver.CudaCalls.check;
import static jcuda.driver.CUstream_flags.CU_STREAM_NON_BLOCKING;
import static jcuda.driver.JCudaDriver.cuStreamCreate;
import static jcuda.driver.JCudaDriver.cuStreamDestroy;
import static jcuda.driver.JCudaDriver.cuStreamSynchronize;

import jcuda.driver.CUstream;

/** A second stream of a device, for work beside that of its stream; also within a graph. */
public final class SideStream extends DeviceResource {

    private final CUstream stream;
    private final DeviceEvent forked;
    private final DeviceEvent joined;

    private SideStream(CudaDevice device, CUstream stream) {
        super(device);
        this.stream = stream;
        forked = DeviceEvent.create(device);
        joined = DeviceEvent.create(device);
    }

    /** A stream that its device closes, unless it is closed before. */
    public static SideStream open(CudaDevice device) {
        device.enter();
        CUstream stream = new CUstream();
        check(cuStreamCreate(stream, CU_STREAM_NON_BLOCKING), "cuStreamCreate");
        try {
            return device.own(new SideStream(device, stream));
        } catch (CudaException e) {
            cuStreamDestroy(stream);
            throw e;
        }
    }

    public CUstream stream() {
        return stream;
    }

    /** Lets what comes on this stream wait for the work that the device's stream has now. */
    public void fork() {
        forked.record(device.stream());
        forked.holdBack(stream);
    }

    /** Lets what comes on the device's stream wait for the work that this one has now. */
    public void join() {
        joined.record(stream);
        joined.holdBack(device.stream());
    }

    @Override
    protected void release() {
        Closing closing = new Closing();
        closing.add(() -> check(cuStreamDestroy(stream), "cuStreamDestroy"));
        closing.add(forked::close);
        closing.add(joined::close);
        closing.add(() -> check(cuStreamSynchronize(stream), "cuStreamSynchronize"));
        closing.run();
    }
}
