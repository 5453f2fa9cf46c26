package io.framecast.distributed;

import io.framecast.FramecastException;
import io.framecast.backend.ProcessFailedException;
import io.framecast.backend.ProcessGroup;
import io.framecast.mpi.NativeMpi;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.DoublePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;

/**
 * The processes that MPI's launcher started, by the C interface of any MPI whose mpicc is on the machine. Calls of MPI
 * do not block: a thread that waits for others mostly sleeps, so that it takes no processor from those that compute,
 * and notices when another process has failed.
 */
public final class MpiProcessGroup implements ProcessGroup {

    /** Values of one call of MPI, which counts with 32 bits; also the bytes of one message. */
    private static final int PIECE = 1 << 28;
    /** Half a minute. */
    private static final long LEAVING_NANOS = 30_000_000_000L;

    private final NativeMpi.Library mpi;
    private final Watch watch;
    /** Is held during a sum. */
    private final Object summing = new Object();
    /** A copy of the values that are summed: implementations are slower where the sum takes their place. */
    private FloatPointer copy = new FloatPointer();
    private boolean closed;
    private volatile boolean failed;
    /** Of {@link System#nanoTime}, for the end of the group; 0: this is not its end. */
    private long deadline;

    private MpiProcessGroup(NativeMpi.Library mpi, Consumer<String> late) {
        this.mpi = mpi;
        this.watch = new Watch(mpi, late);
    }

    /**
     * Joins the processes that were started with this one. At most once in a process.
     *
     * @param environment the environment variables, by which the launcher tells what it has started
     * @param late is told the failure of another process, a sentence, if this process has not called the group for some
     *     seconds and so cannot know; on another thread
     * @return the group, for the caller to close; {@link ProcessGroup#SINGLE} if this process was started alone
     * @throws FramecastException if there is no MPI, or not that of the launcher
     */
    public static ProcessGroup join(Map<String, String> environment, Consumer<String> late) {
        MpiLaunch launch = MpiLaunch.of(environment).orElse(null);
        if (launch == null || launch.size() == 1) {
            return ProcessGroup.SINGLE;
        }
        Path library = MpiLibrary.of(launch, environment.getOrDefault("PATH", ""));
        NativeMpi.load();
        NativeMpi.Library mpi;
        try {
            mpi = new NativeMpi.Library(library.toString());
        } catch (RuntimeException e) {
            throw new FramecastException("MPI cannot be used: " + e.getMessage() + ".", e);
        }
        if (launch.size() > 1 && mpi.size() != launch.size()) {
            throw new FramecastException("The launcher has started " + launch.size() + " processes, and "
                    + mpi.version().replaceAll("\\s+", " ") + " sees " + mpi.size() + ": the launcher is that of "
                    + "another MPI, whose mpicc you can name by the environment variable MPICC; or nothing was "
                    + "launched, and OMPI_COMM_WORLD_SIZE or PMI_RANK are left over in this shell: unset them.");
        }
        if (!mpi.threads()) {
            throw new FramecastException(mpi.version() + " was built without MPI_THREAD_MULTIPLE, which Framecast "
                    + "needs; use an MPI that has it.");
        }
        return mpi.size() == 1 ? ProcessGroup.SINGLE : new MpiProcessGroup(mpi, late);
    }

    /**
     * The number of this process, as the launcher tells it, without joining the others.
     *
     * @param environment the environment variables
     * @return 0 if no launcher has started this process, or it does not tell
     */
    public static int launchedRank(Map<String, String> environment) {
        return MpiLaunch.of(environment).map(MpiLaunch::rank).orElse(0);
    }

    /**
     * How many processes the launcher says that it has started.
     *
     * @param environment the environment variables
     * @return 1 if no launcher has started this process, 0 if it does not tell
     */
    public static int launchedSize(Map<String, String> environment) {
        return MpiLaunch.of(environment).map(MpiLaunch::size).orElse(1);
    }

    @Override
    public int rank() {
        return mpi.rank();
    }

    @Override
    public int size() {
        return mpi.size();
    }

    @Override
    public int localRank() {
        return mpi.local_rank();
    }

    @Override
    public int localSize() {
        return mpi.local_size();
    }

    @Override
    public double[] allGather(double... values) {
        double[] all = new double[Math.multiplyExact(values.length, size())];
        DoublePointer own = new DoublePointer(values);
        DoublePointer gathered = new DoublePointer(all.length);
        await(() -> mpi.all_gather(own, values.length, gathered));
        gathered.get(all);
        own.close();
        gathered.close();
        return all;
    }

    @Override
    public List<byte[]> gather(byte[] bytes) {
        double[] lengths = allGather(bytes.length);
        if (rank() != 0) {
            transfer(bytes, bytes.length, (piece, count) -> mpi.send(piece, count, 0));
            return List.of();
        }
        List<byte[]> all = new ArrayList<>(List.of(bytes));
        for (int rank = 1; rank < size(); rank++) {
            int from = rank;
            all.add(transfer(null, (int) lengths[rank], (piece, count) -> mpi.receive(piece, count, from)));
        }
        return all;
    }

    @Override
    public byte[] broadcast(byte[] bytes) {
        int length = (int) allGather(rank() == 0 ? bytes.length : 0)[0];
        return transfer(rank() == 0 ? bytes : null, length, mpi::broadcast);
    }

    private interface Transfer {
        Pointer start(BytePointer bytes, int count);
    }

    /** Sends an array, or if there is none receives one. */
    private byte[] transfer(byte[] bytes, int length, Transfer transfer) {
        byte[] whole = bytes != null ? bytes : new byte[length];
        for (int from = 0; from < length; from += PIECE) {
            int count = Math.min(PIECE, length - from);
            BytePointer piece = new BytePointer(count);
            if (bytes != null) {
                piece.put(bytes, from, count);
            }
            await(() -> transfer.start(piece, count));
            if (bytes == null) {
                piece.get(whole, from, count);
            }
            piece.close();
        }
        return whole;
    }

    @Override
    public void allReduce(FloatBuffer values) {
        synchronized (summing) {
            sum(new FloatPointer(values.duplicate().clear()));
        }
    }

    private void sum(FloatPointer values) {
        long size = values.capacity();
        if (copy.capacity() < size) {
            copy.close();
            copy = new FloatPointer(size);
        }
        for (long from = 0; from < size; from += PIECE) {
            int count = (int) Math.min(PIECE, size - from);
            FloatPointer piece = values.getPointer(from);
            Pointer.memcpy(copy, piece, (long) count * Float.BYTES);
            await(() -> mpi.all_reduce(copy, piece, count));
        }
    }

    private interface Call {
        /** The request. */
        Pointer start();
    }

    /**
     * Waits for a call. If another process fails meanwhile, the memory of the call stays allocated: MPI may still write
     * to it.
     */
    private void await(Call call) {
        requireAlive();
        try {
            Pointer request = call.start();
            waitUntil(() -> mpi.test(request));
        } catch (FramecastException e) {
            throw e;
        } catch (RuntimeException e) {
            throw new ProcessFailedException("The connection to the other processes is lost: " + e.getMessage() + ".");
        }
    }

    private void waitUntil(BooleanSupplier done) {
        for (int tries = 0; !done.getAsBoolean(); tries++) {
            requireAlive();
            // Others on the same machine mostly answer at once. Then short sleeps, and longer ones.
            if (tries < 100) {
                Thread.onSpinWait();
            } else {
                LockSupport.parkNanos(tries < 1000 ? 20_000 : 200_000);
            }
        }
    }

    private void requireAlive() {
        if (deadline != 0 && System.nanoTime() - deadline > 0) {
            throw new ProcessFailedException("The work is done, but another process did not end with the others.");
        }
        if (watch.failure() != null) {
            failed = true;
            throw new ProcessFailedException(watch.failure());
        }
    }

    @Override
    public boolean fail(String sentence) {
        failed = true;
        return watch.fail(sentence);
    }

    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        if (failed) {
            return; // MPI's own way to leave would wait for the others. The process ends without it.
        }
        allGather(0);
        watch.stop();
        // From here on no watch tells whether the others are still there.
        deadline = System.nanoTime() + LEAVING_NANOS;
        // MPI must have no message left.
        double[] posted = allGather(watch.posted());
        double expected = rank() == 0 ? Arrays.stream(posted).skip(1).sum() : posted[0];
        waitUntil(() -> watch.drain() >= expected);
        allGather(0);
        Thread ending = new Thread(() -> {
            synchronized (summing) { // All sums are done, but a thread may not have looked yet.
                mpi.finalize_mpi();
            }
        }, "framecast-mpi-end");
        ending.setDaemon(true);
        ending.start();
        waitUntil(() -> !ending.isAlive());
        copy.close();
    }
}
