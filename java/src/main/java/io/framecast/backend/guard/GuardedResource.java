package io.framecast.backend.guard;

/** Whether something that a guard made is open, other than the op of a layer: see {@link OpCalls} for these. */
abstract class GuardedResource implements AutoCloseable {

    final OpGuard guard;
    private final String name;
    private final Runnable close;
    private boolean closed;

    /**
     * @param name for messages, at the beginning of a sentence
     * @param close is called at most once
     */
    GuardedResource(OpGuard guard, String name, Runnable close) {
        this.guard = guard;
        this.name = name;
        this.close = close;
    }

    final void requireOpen() {
        guard.requireOpen();
        if (closed) {
            throw new IllegalStateException(name + " is closed.");
        }
    }

    @Override
    public final void close() {
        synchronized (guard) {
            if (!closed) {
                closed = true;
                guard.addClose();
                close.run();
            }
        }
    }
}
