package io.framecast.files;

import io.framecast.system.MadeDirectories;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.SecureRandom;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.regex.Pattern;

/**
 * A temporary file {@code .NAME.RANDOM.part} beside the file NAME that it will become. A process that exits, also by a
 * signal such as SIGTERM, deletes its part files. Part files of a killed process are deleted by the next process that
 * writes the same name. A file lock (of the operating system) shows that a part file is still being written. On a file
 * system without locks, part files of killed processes stay.
 */
final class PartFile implements AutoCloseable {

    /** The longest file name in bytes that every file system allows. */
    private static final int SHORT_NAME = 40;

    private static final int RANDOM_BYTES = 8;
    private static final int TRIES = 100;
    private static final SecureRandom RANDOM = new SecureRandom();

    /** Held while a part file is created, renamed or deleted. */
    private static final ReentrantLock GATE = new ReentrantLock();

    /**
     * The part files that this process writes, by name. Used at exit, and to skip them in a search: POSIX locks belong
     * to the process, so opening and closing one of these files to test its lock would release the lock.
     */
    private static final Map<String, PartFile> OPEN = new HashMap<>();

    static {
        try {
            Runtime.getRuntime().addShutdownHook(new Thread(PartFile::deleteAll, "unfinished files"));
        } catch (IllegalStateException e) {
            // The process is already shutting down.
        }
    }

    private final Path path;
    private final FileChannel channel;
    private final MadeDirectories made;

    private PartFile(Path path, FileChannel channel, MadeDirectories made) {
        this.path = path;
        this.channel = channel;
        this.made = made;
    }

    /** Creates an empty part file, and the target's directory if needed. Deletes part files of dead processes. */
    static PartFile create(Path target) throws IOException {
        GATE.lock();
        MadeDirectories made = new MadeDirectories();
        try {
            made.make(target.getParent());
            deleteDead(target);
            for (int k = 1;; k++) {
                Path path = beside(target);
                FileChannel channel = FileChannel.open(path, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
                PartFile part = new PartFile(path, channel, made);
                OPEN.put(part.name(), part);
                // Before it was locked, another process may have deleted it as one of a dead process.
                if (part.lock() && Files.exists(path)) {
                    return part;
                }
                part.deleteFile();
                channel.close();
                if (k == TRIES) {
                    throw new NoSuchFileException(path.toString(), null, "it is deleted as soon as it is made");
                }
            }
        } catch (IOException e) {
            made.removeEmpty();
            throw e;
        } finally {
            GATE.unlock();
        }
    }

    private String name() {
        return path.getFileName().toString();
    }

    /** Locks the file; false if another process holds the lock. */
    private boolean lock() {
        try {
            return channel.tryLock() != null;
        } catch (IOException e) {
            return true; // No locks here: then no other process deletes it, either.
        }
    }

    Path path() {
        return path;
    }

    FileChannel channel() {
        return channel;
    }

    /** Renames it to the target. It stays locked until then: an unlocked part file counts as one of a dead process. */
    void moveTo(Path target) throws IOException {
        GATE.lock();
        try {
            Files.move(path, target, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
            OPEN.remove(name());
        } finally {
            GATE.unlock();
        }
    }

    /** Deletes it, unless it was renamed to the target. */
    @Override
    public void close() throws IOException {
        GATE.lock();
        try {
            if (OPEN.containsKey(name())) {
                delete();
            }
        } finally {
            GATE.unlock();
        }
        channel.close();
    }

    private void delete() {
        deleteFile();
        made.removeEmpty();
    }

    private void deleteFile() {
        OPEN.remove(name());
        try {
            Files.deleteIfExists(path);
        } catch (IOException e) {
            // The first failure is the one to report.
        }
    }

    /** Runs at exit. The lock is never released, so that other threads create no new part files. */
    private static void deleteAll() {
        GATE.lock();
        List.copyOf(OPEN.values()).forEach(PartFile::delete);
    }

    private static void deleteDead(Path target) {
        Pattern parts = Pattern.compile(Pattern.quote(beginning(target)) + "[0-9a-f]{" + 2 * RANDOM_BYTES + "}\\.part");
        forEach(target.getParent(), parts, PartFile::deleteUnlocked);
    }

    /** Deletes all part files whose target names match, locked or not, except those of this process. */
    static void deleteAll(Path directory, String names) {
        forEach(directory, Pattern.compile("\\.(" + names + ")\\.[^.]+\\.part"), file -> {
            try {
                Files.deleteIfExists(file);
            } catch (IOException e) {
                // A file that cannot be deleted does no harm.
            }
        });
    }

    /** The files in a directory whose names match, except those that this process writes. */
    private static void forEach(Path directory, Pattern parts, Consumer<Path> action) {
        GATE.lock();
        DirectoryStream.Filter<Path> dead = file -> parts.matcher(file.getFileName().toString()).matches()
                && !OPEN.containsKey(file.getFileName().toString())
                && Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS);
        try (DirectoryStream<Path> files = Files.newDirectoryStream(directory, dead)) {
            files.forEach(action);
        } catch (IOException | RuntimeException e) {
            // Old part files do no harm.
        } finally {
            GATE.unlock();
        }
    }

    private static void deleteUnlocked(Path file) {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE, LinkOption.NOFOLLOW_LINKS)) {
            if (channel.tryLock() != null) {
                Files.deleteIfExists(file);
            }
        } catch (IOException | OverlappingFileLockException e) {
            // The file is another user's, or the file system has no locks.
        }
    }

    /** An unpredictable name, not longer than the target's name if that is long. */
    static Path beside(Path target) {
        byte[] random = new byte[RANDOM_BYTES];
        RANDOM.nextBytes(random);
        return target.resolveSibling(beginning(target) + HexFormat.of().formatHex(random) + ".part");
    }

    /** The prefix before the random digits, {@code .NAME.}. */
    private static String beginning(Path target) {
        String name = target.getFileName().toString();
        int room = Math.max(SHORT_NAME, bytes(name) - "..".length() - 2 * RANDOM_BYTES - ".part".length());
        int length = name.length();
        while (bytes(name.substring(0, length)) > room) {
            length = name.offsetByCodePoints(length, -1);
        }
        return "." + name.substring(0, length) + ".";
    }

    private static int bytes(String name) {
        return name.getBytes(StandardCharsets.UTF_8).length;
    }
}
