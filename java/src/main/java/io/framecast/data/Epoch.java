package io.framecast.data;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.IntFunction;

/**
 * The batches of one epoch in order. A background thread loads up to two batches ahead while the caller works. For one
 * caller at a time. An exception in the loader is rethrown unchanged by the {@link #next()} that would have returned
 * the batch, and ends the epoch.
 */
public final class Epoch implements Iterator<Batch>, AutoCloseable {

    private static final int AHEAD = 2;

    private final IntFunction<Batch> loader;
    private final int end;
    private final Deque<Future<Batch>> ahead = new ArrayDeque<>();
    private final ExecutorService thread;
    private int toLoad;

    Epoch(IntFunction<Batch> loader, int from, int end) {
        this.loader = loader;
        this.toLoad = from;
        this.end = end;
        this.thread = Executors.newSingleThreadExecutor(work -> {
            Thread background = new Thread(work, "framecast-batches");
            background.setDaemon(true);
            return background;
        });
        loadAhead();
    }

    @Override
    public boolean hasNext() {
        return !ahead.isEmpty();
    }

    @Override
    public Batch next() {
        if (ahead.isEmpty()) {
            throw new NoSuchElementException("the epoch is over");
        }
        try {
            Batch batch = ahead.remove().get();
            loadAhead();
            return batch;
        } catch (ExecutionException e) {
            close();
            if (e.getCause() instanceof Error error) {
                throw error;
            }
            throw (RuntimeException) e.getCause(); // The loader declares no checked exception.
        } catch (InterruptedException e) {
            close();
            Thread.currentThread().interrupt();
            throw new CancellationException("interrupted while waiting for a batch");
        }
    }

    /** Stops loading; there are no further batches. */
    @Override
    public void close() {
        thread.shutdownNow();
        ahead.clear();
    }

    private void loadAhead() {
        while (ahead.size() < AHEAD && toLoad < end) {
            int batch = toLoad++;
            ahead.add(thread.submit(() -> loader.apply(batch)));
        }
        if (toLoad == end) {
            thread.shutdown(); // The thread ends after the queued batches.
        }
    }
}
