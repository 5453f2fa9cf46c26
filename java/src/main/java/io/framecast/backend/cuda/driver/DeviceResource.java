package io.framecast.backend.cuda;

/** What a {@link CudaDevice} made: given back by {@link #close}, or with the device. */
abstract class DeviceResource implements AutoCloseable {

    final CudaDevice device;
    private boolean closed;

    DeviceResource(CudaDevice device) {
        this.device = device;
    }

    /** Gives it back to the driver; called once. */
    abstract void release();

    final boolean isClosed() {
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
