package io.framecast.backend;

import java.util.Objects;

/**
 * How a backend trains with others: each process has a backend and a copy of the network, computes with its own part of
 * every batch, and adds the gradients of all.
 *
 * @param group the processes
 * @param localBatchNorm whether batch normalisation takes the statistics of this process's videos alone. Else it takes
 *     those of the whole batch, as one process would
 */
public record DataParallel(ProcessGroup group, boolean localBatchNorm) {

    /** One process. */
    public static final DataParallel NONE = new DataParallel(ProcessGroup.SINGLE, false);

    /**
     * Requires a group.
     *
     * @param group the processes
     * @param localBatchNorm whether batch normalisation takes the statistics of this process's videos alone
     */
    public DataParallel {
        Objects.requireNonNull(group, "group");
    }

    /** {@return whether batch normalisation needs the other processes} */
    public boolean globalBatchNorm() {
        return group.size() > 1 && !localBatchNorm;
    }
}
