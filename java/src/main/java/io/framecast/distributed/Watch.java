package io.framecast.distributed;

import io.framecast.mpi.NativeMpi;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.bytedeco.javacpp.BytePointer;

/**
 * Notices when other processes fail or end. Process 0 and each other process send each other a message every half
 * second, on a thread of their own. A process that is silent for long has ended, or its machine or the network to it
 * has. The silence is counted in beats of this process, not in seconds: after a pause of all processes, as of a job
 * that its batch system suspends, nobody seems silent.
 */
final class Watch {

    private static final long BEAT_MILLIS = 500;
    /** Twenty seconds: far above the pauses of a machine that is out of memory or very busy. */
    private static final int SILENT_BEATS = 40;
    /** The time for this process to come to a method of the group, where it learns of a failure. */
    private static final int LATE_BEATS = 10;
    private static final int MOST_BYTES = 2000;

    /** The first byte of a message. */
    private static final byte ALIVE = 'a';
    private static final byte FAILED = 'f';
    /** Process 0 ends, and has told the user why. */
    private static final byte ENDS = 'e';

    private final NativeMpi.Library mpi;
    private final int rank;
    private final int size;
    private final Consumer<String> late;
    private final int[] silence;
    private final CountDownLatch ended = new CountDownLatch(1);
    private final Thread thread;
    private volatile boolean stopping;
    /** What to tell of a failure of this process; null if it has not failed. */
    private volatile String own;
    private volatile String failure;
    private boolean told;
    private int lateness;
    private int posted;
    private int received;

    /**
     * @param late is told the failure of another process, if this process has not failed itself within some seconds; on
     *     a thread of its own
     */
    Watch(NativeMpi.Library mpi, Consumer<String> late) {
        this.mpi = mpi;
        this.late = late;
        rank = mpi.rank();
        size = mpi.size();
        silence = new int[size];
        thread = new Thread(this::run, "framecast-watch");
        thread.setDaemon(true);
        thread.start();
    }

    /** A sentence on the process that has failed or ended; null if none has. */
    String failure() {
        return failure;
    }

    /** Tells the others that this process has failed. Returns whether process 0 tells the user. */
    boolean fail(String sentence) {
        own = sentence;
        thread.interrupt();
        try {
            return ended.await(LATE_BEATS * BEAT_MILLIS, TimeUnit.MILLISECONDS) && rank != 0;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    /** Ends the watch, and waits until its thread has ended. */
    void stop() {
        stopping = true;
        thread.interrupt();
        boolean interrupted = false;
        while (thread.isAlive()) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /** The messages that this process has sent to each that it sends to. After {@link #stop}. */
    int posted() {
        return posted;
    }

    /** Receives a message that was not yet, if there is one. After {@link #stop}. Returns how many were received. */
    int drain() {
        try (BytePointer buffer = new BytePointer(MOST_BYTES)) {
            if (mpi.poll(buffer, MOST_BYTES) >= 0) {
                received++;
            }
            return received;
        }
    }

    private void run() {
        try (BytePointer buffer = new BytePointer(MOST_BYTES)) {
            while (!stopping) {
                beat(buffer);
                pause();
            }
        } catch (RuntimeException e) {
            failure = "The connection to the other processes is lost: " + e.getMessage() + ".";
        }
    }

    /** Until the next beat, or until there is something to tell. */
    private void pause() {
        try {
            Thread.sleep(BEAT_MILLIS);
        } catch (InterruptedException e) {
            // There is something to tell, or the watch stops.
        }
    }

    private void beat(BytePointer buffer) {
        String sentence = own; // Read once: fail may set it at any moment, and what was not posted is not told.
        boolean tells = sentence != null && !told;
        post(tells ? message(rank == 0 ? ENDS : FAILED, sentence) : message(ALIVE, ""));
        if (tells) {
            told = true;
            if (rank == 0) {
                ended.countDown();
            }
        }
        for (int other = 0; other < size; other++) {
            silence[other]++;
        }
        for (int length = mpi.poll(buffer, MOST_BYTES); length >= 0; length = mpi.poll(buffer, MOST_BYTES)) {
            byte[] bytes = new byte[length];
            buffer.get(bytes);
            receive(mpi.source(), bytes);
        }
        for (int other = 0; other < size && failure == null; other++) {
            if (other != rank && (rank == 0 || other == 0) && silence[other] > SILENT_BEATS) {
                failure = "Process " + other + " has not answered for " + SILENT_BEATS * BEAT_MILLIS / 1000
                        + " seconds: it, its machine or the network to it has ended.";
            }
        }
        if (failure != null && own == null && lateness++ == LATE_BEATS) {
            new Thread(() -> late.accept(failure), "framecast-late").start(); // It may call fail, for which this beats.
        }
    }

    private void receive(int from, byte[] bytes) {
        received++;
        silence[from] = 0;
        String text = new String(bytes, 1, bytes.length - 1, StandardCharsets.UTF_8);
        if (bytes[0] == FAILED && failure == null) {
            failure = "Process " + from + ": " + text;
        } else if (bytes[0] == ENDS) {
            ended.countDown();
            if (failure == null) {
                failure = "Process 0: " + text;
            }
        }
    }

    private static byte[] message(byte kind, String text) {
        return ((char) kind + text).getBytes(StandardCharsets.UTF_8);
    }

    /** Process 0 speaks to all others, and these to process 0. */
    private void post(byte[] message) {
        try (BytePointer bytes = new BytePointer(message)) {
            for (int other = rank == 0 ? 1 : 0; other < (rank == 0 ? size : 1); other++) {
                mpi.post(bytes, message.length, other);
            }
            posted++;
        }
    }
}
