package io.framecast.backend.cuda.driver;

/** Something that a {@link CudaDevice} owns: released by {@link #close}, or when the device is closed. */
public abstract class DeviceResource implements AutoCloseable {

    protected final CudaDevice device;
    private boolean closed;

    protected DeviceResource(CudaDevice device) {
        this.device = device;
    }

    /** Releases it to the driver; called once, with the device's context current. */
    protected abstract void release();

    protected final boolean isClosed() {
        return closed;
    }

    /** A second call does nothing, nor does one after the device was closed. */
    @Override
    public void close() {
        if (!closed) {
            closed = true;
            device.disown(this);
            device.activate();
            release();
        }
    }
}
