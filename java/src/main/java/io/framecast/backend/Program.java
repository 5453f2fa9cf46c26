package io.framecast.backend;

/**
 * Work that is always the same: calls of ops and tensors of one backend, for the same shapes and the same tensors,
 * without reading from or writing to the host. A backend may do the work as it comes, or record it once and replay it.
 */
public interface Program extends AutoCloseable {

    /** Does the work once more. Reading results waits for it. */
    void run();

    @Override
    void close();
}
