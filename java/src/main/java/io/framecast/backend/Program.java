package io.framecast.backend;

/**
 * A fixed sequence of calls of ops and tensors of one backend, with fixed shapes and tensors and without transfers from
 * or to the host. A backend may run the calls each time, or record them once and replay them, like a CUDA graph.
 */
public interface Program extends AutoCloseable {

    /** Runs the work once. Asynchronous: reading a result waits for it. */
    void run();

    @Override
    void close();
}
