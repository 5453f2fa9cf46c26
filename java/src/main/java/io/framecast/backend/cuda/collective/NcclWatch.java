package io.framecast.backend.cuda.collective;

import io.framecast.FramecastException;
import io.framecast.backend.ProcessGroup;
import io.framecast.backend.cuda.driver.CudaDevice;
import io.framecast.backend.cuda.driver.DeviceResource;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;

/**
 * Sees that a process of the group has failed, while all others wait for it on their GPUs, and aborts what they wait
 * for. Its thread asks the group again and again for the sum of a number, which NCCL's users need for nothing else: the
 * group knows which process is not there. It ends when all processes have closed theirs.
 */
final class NcclWatch extends DeviceResource {

    private static final long PERIOD_MS = 200;
    /** For the others to close theirs. If one does not in this time, the thread goes on: it may have failed. */
    private static final long LAST_MS = 2000;

    private final ProcessGroup group;
    private final NcclCommunicator communicator;
    private final FloatBuffer closed = ByteBuffer.allocateDirect(Float.BYTES).order(ByteOrder.nativeOrder())
            .asFloatBuffer();
    private final Thread thread = new Thread(this::run, "framecast-nccl-watch");
    private boolean closing;
    private volatile RuntimeException failure;

    NcclWatch(CudaDevice device, ProcessGroup group, NcclCommunicator communicator) {
        super(device);
        this.group = group;
        this.communicator = communicator;
        thread.setDaemon(true);
        thread.start();
    }

    private void run() {
        try {
            do {
                communicator.requireWorking();
                closed.put(0, pause() ? 1 : 0);
                group.allReduce(closed);
            } while (closed.get(0) < group.size());
        } catch (FramecastException e) {
            failure = e;
            communicator.abort();
        }
    }

    /** Waits a while. @return whether this process has closed it */
    private synchronized boolean pause() {
        try {
            if (!closing) {
                wait(PERIOD_MS);
            } else {
                Thread.sleep(1);
            }
        } catch (InterruptedException e) {
            closing = true;
        }
        return closing;
    }

    /**
     * Returns if no process has failed: then what a stream has done is valid.
     *
     * @throws FramecastException if one has
     */
    void requireAll() {
        if (failure != null) {
            throw failure;
        }
    }

    @Override
    protected void release() {
        synchronized (this) {
            closing = true;
            notifyAll();
        }
        try {
            thread.join(LAST_MS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
