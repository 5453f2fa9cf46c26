package io.framecast.train;

import io.framecast.FramecastException;
import io.framecast.files.AtomicFiles;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Ensures that one process at a time uses a run. The operating system locks the file {@code .lock} in the run's
 * directory, and releases the lock when the process ends, also after a crash. The file contains the owner of the lock.
 *
 * <p>On NFS the lock works between machines, except for mounts with {@code nolock} or {@code local_lock}, where it
 * works within one machine. If the file system has no locks, the run continues without one, with a note.
 */
final class RunLock implements AutoCloseable {

    private static final String NAME = ".lock";
    private static final int TRIES = 100;
    private static final long PAUSE_NANOS = 10_000_000;

    /**
     * The directories that this process has locked. POSIX locks belong to the process, not to a channel: closing any
     * channel of the file releases the lock, so that a second channel must not be opened.
     */
    private static final Set<Path> HELD = ConcurrentHashMap.newKeySet();

    private static final Pattern OWNER = Pattern.compile("(\\d{1,19}) (\\d{4}[0-9T:.Z-]{1,30})\\n");
    private static final int OWNER_BYTES = 64;

    private final Path key;
    private final Path file;
    private final FileChannel channel;

    private RunLock(Path key, Path file, FileChannel channel) {
        this.key = key;
        this.file = file;
        this.channel = channel;
    }

    /**
     * @param directory must exist
     * @param notes receives a message if the file system has no locks
     * @throws FramecastException if another process or thread holds the lock, or the file cannot be written
     */
    static RunLock take(Path directory, Consumer<String> notes) {
        Path file = directory.resolve(NAME);
        Path key;
        try {
            key = directory.toRealPath();
        } catch (IOException e) {
            throw AtomicFiles.cannotWrite(file, e);
        }
        if (!HELD.add(key)) {
            throw inUse(directory, thisProcess());
        }
        try {
            return new RunLock(key, file, open(directory, file, notes));
        } catch (IOException e) {
            HELD.remove(key);
            throw AtomicFiles.cannotWrite(file, e);
        } catch (RuntimeException e) {
            HELD.remove(key);
            throw e;
        }
    }

    private static FileChannel open(Path directory, Path file, Consumer<String> notes) throws IOException {
        for (int k = 1;; k++) {
            // Does not follow a symbolic link, which could lead to another file.
            FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.READ,
                    StandardOpenOption.WRITE, LinkOption.NOFOLLOW_LINKS);
            try {
                if (!lock(channel, directory, notes)) {
                    throw inUse(directory, owner(channel));
                }
                // The previous owner may have deleted the file just before it was locked here. Such a lock excludes no
                // other process.
                if (Files.exists(file)) {
                    channel.truncate(0);
                    channel.write(ByteBuffer.wrap(thisProcess().getBytes(StandardCharsets.US_ASCII)), 0);
                    return channel;
                }
                if (k == TRIES) {
                    throw new NoSuchFileException(file.toString(), null, "it is deleted as soon as it is made");
                }
            } catch (IOException | RuntimeException e) {
                channel.close();
                throw e;
            }
            channel.close();
        }
    }

    /** Tries to lock; false if another process has the lock. */
    private static boolean lock(FileChannel channel, Path directory, Consumer<String> notes) {
        try {
            FileLock lock = channel.tryLock();
            return lock != null;
        } catch (IOException e) {
            notes.accept("The file system of " + directory + " has no locks (" + e.getMessage()
                    + "): nothing keeps a second process out of this run.");
            return true;
        }
    }

    private static String thisProcess() {
        ProcessHandle process = ProcessHandle.current();
        Instant start = process.info().startInstant().orElseGet(Instant::now).truncatedTo(ChronoUnit.SECONDS);
        return process.pid() + " " + start + "\n";
    }

    /** The owner's text. A process that has just taken the lock may not have written it yet. */
    private static String owner(FileChannel channel) throws IOException {
        for (int k = 1;; k++) {
            ByteBuffer bytes = ByteBuffer.allocate(OWNER_BYTES);
            channel.read(bytes, 0);
            String owner = new String(bytes.array(), 0, bytes.position(), StandardCharsets.US_ASCII);
            if (k == TRIES || OWNER.matcher(owner).matches()) {
                return owner;
            }
            LockSupport.parkNanos(PAUSE_NANOS);
        }
    }

    private static FramecastException inUse(Path directory, String owner) {
        Matcher matcher = OWNER.matcher(owner);
        return new FramecastException("The run in " + directory + " is in use by "
                + (matcher.matches() ? "process " + matcher.group(1) + ", started at " + matcher.group(2)
                        : "another process")
                + "; wait until it ends, or stop it.");
    }

    @Override
    public void close() {
        try {
            Files.deleteIfExists(file);
        } catch (IOException e) {
            // The file may stay: without a lock it has no effect.
        }
        try {
            channel.close();
        } catch (IOException e) {
            // The lock is released at the end of the process.
        }
        HELD.remove(key);
    }
}
