package io.framecast.backend.cuda.collective;

import io.framecast.backend.cuda.driver.CudaDevice;
import io.framecast.backend.cuda.driver.DeviceMemory;
import io.framecast.backend.cuda.driver.DeviceResource;
import io.framecast.nccl.NativeNccl;
import java.util.Objects;
import jcuda.driver.CUstream;
import org.bytedeco.javacpp.BytePointer;

/** This process's part of a communicator of NCCL. Its collectives run on streams of the device, in order. */
final class NcclCommunicator extends DeviceResource {

    private static final int FLOAT = 7;
    private static final int SUM = 0;

    private final Nccl nccl;
    private final NativeNccl.Communicator communicator;
    private boolean aborted;

    private NcclCommunicator(CudaDevice device, Nccl nccl, NativeNccl.Communicator communicator) {
        super(device);
        this.nccl = nccl;
        this.communicator = communicator;
    }

    /**
     * Waits until all processes have called it.
     *
     * @param id of {@link Nccl#uniqueId}
     * @throws NcclException if it fails
     */
    static NcclCommunicator open(CudaDevice device, Nccl nccl, int size, byte[] id, int rank) {
        device.enter();
        NativeNccl.Communicator communicator = new NativeNccl.Communicator(nccl.library());
        try (BytePointer bytes = new BytePointer(Objects.requireNonNull(id))) {
            nccl.check(communicator.init(size, bytes, rank), "ncclCommInitRank");
        } catch (NcclException e) {
            communicator.close();
            throw e;
        }
        return device.own(new NcclCommunicator(device, nccl, communicator));
    }

    /** Sums float32 values over all processes, in place. */
    void allReduce(DeviceMemory values, CUstream stream) {
        enter();
        long address = NativeAddress.of(values.pointer());
        nccl.check(communicator.all_reduce(address, address, values.bytes() / Float.BYTES, FLOAT, SUM,
                NativeAddress.of(stream)), "ncclAllReduce");
    }

    /** Gathers the float32 values of all processes, in the order of rank. */
    void allGather(DeviceMemory own, DeviceMemory all, CUstream stream) {
        enter();
        nccl.check(communicator.all_gather(NativeAddress.of(own.pointer()), NativeAddress.of(all.pointer()),
                own.bytes() / Float.BYTES, FLOAT, NativeAddress.of(stream)), "ncclAllGather");
    }

    /**
     * Returns if the communicator works, as far as NCCL knows. Any thread may call it.
     *
     * @throws NcclException if it has failed, with the reason
     */
    synchronized void requireWorking() {
        if (!isClosed() && !aborted) {
            int[] result = new int[1];
            nccl.check(communicator.asynchronous_error(result), "ncclCommGetAsyncError");
            nccl.check(result[0], "A collective of NCCL");
        }
    }

    /** Ends what waits for other processes, without a result. Any thread may call it. A second call does nothing. */
    synchronized void abort() {
        if (!isClosed() && !aborted) {
            aborted = true;
            nccl.check(communicator.abort(), "ncclCommAbort");
        }
    }

    private void enter() {
        if (isClosed()) {
            throw new IllegalStateException("the communicator is closed");
        }
        device.enter();
    }

    @Override
    protected synchronized void release() {
        try {
            if (!aborted) {
                nccl.check(communicator.destroy(), "ncclCommDestroy");
            }
        } finally {
            communicator.close();
        }
    }
}
