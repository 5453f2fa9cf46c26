package io.framecast.backend;

import java.nio.FloatBuffer;
import java.util.List;

/**
 * The processes that work together, such as those that mpirun started. Every method but {@link #rank}, {@link #size},
 * {@link #localRank} and {@link #localSize} is collective, unless it says otherwise: all processes must call the same
 * methods in the same order, and each call waits for the others. One thread at a time calls {@link #allReduce}, and one
 * at a time the others; these two need not be the same thread, and their orders are independent.
 *
 * <p>If another process has ended or failed, a method that waits for it throws {@link ProcessFailedException} within
 * seconds.
 */
public interface ProcessGroup extends AutoCloseable {

    /** One process, alone: nothing waits for anything. */
    ProcessGroup SINGLE = new SingleProcess();

    /**
     * The number of this process.
     *
     * @return from 0 to {@link #size} - 1
     */
    int rank();

    /**
     * The number of processes.
     *
     * @return at least 1
     */
    int size();

    /**
     * The number of this process among those on the same machine.
     *
     * @return from 0 to {@link #localSize} - 1, in the order of rank
     */
    int localRank();

    /**
     * The number of processes on this machine.
     *
     * @return at least 1
     */
    int localSize();

    /**
     * Gathers values from all processes. All of them get the same bits.
     *
     * @param values as many in each process
     * @return those of process 0, then those of process 1, and so on
     */
    double[] allGather(double... values);

    /**
     * Gathers bytes in process 0.
     *
     * @param bytes any number, which may differ between processes
     * @return in process 0 those of each process, in the order of rank; in others an empty list
     */
    List<byte[]> gather(byte[] bytes);

    /**
     * Sends bytes from process 0 to all.
     *
     * @param bytes in process 0 what to send; ignored in others, where it may be null
     * @return the bytes of process 0
     */
    byte[] broadcast(byte[] bytes);

    /**
     * Sums values over all processes, in place. All of them get the same bits, and the same ones in every run with as
     * many processes.
     *
     * @param values a direct buffer in native byte order, as long in each process; all of it, whatever its position
     */
    void allReduce(FloatBuffer values);

    /**
     * Tells the others that this process has failed, so that all of them end: the methods that they call throw
     * {@link ProcessFailedException}. After this nothing but {@link #close} may be called. Not collective.
     *
     * @param sentence what has failed
     * @return whether another process tells the user of it; else this one has to
     */
    boolean fail(String sentence);

    /** Leaves the group, after all processes have come here, unless one has failed. A second call does nothing. */
    @Override
    void close();
}
