package io.framecast.backend;

/**
 * Sums tensors over all processes of the backend's group, while ops compute that do not use them. All processes start
 * the same buckets in the same order. All get the same bits.
 */
public interface AllReduceOp extends AutoCloseable {

    /**
     * Starts to sum a bucket, as the ops called before leave it. Until {@link #await}, no op may use it.
     *
     * @param bucket its index in the list that the op was created with
     */
    void start(int bucket);

    /** Lets the ops called from now on see the sums of all buckets that were started. */
    void await();

    @Override
    void close();
}
