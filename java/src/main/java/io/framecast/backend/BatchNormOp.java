package io.framecast.backend;

/**
 * Batch normalisation. If the backend trains with others by global statistics, a forward in training and its backward
 * take the statistics, and the sums of gradients that the input's gradient needs, over the videos of all processes, and
 * all processes must call them. The gradients of gamma and beta are those of this process's videos, to be summed with
 * all others.
 */
public interface BatchNormOp extends Op {

    /**
     * Whether the videos of the next passes are padding: of a process that has no part in a small batch, but must call
     * the same ops as the others. Then they count for no statistics. Their output is normalised like others; the
     * gradient of their input, from a gradient of zeros, is zeros.
     *
     * @param padding false at first
     */
    void setPadding(boolean padding);
}
