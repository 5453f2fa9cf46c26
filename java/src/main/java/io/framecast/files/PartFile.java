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
 * What is to become a file, {@code .NAME.RANDOM.part} beside it, and does not outlive its process: a process that ends
 * by a signal deletes it; what one leaves that is killed, the next that writes the same name deletes. As long as it is
 * written the operating system locks it, so that the living are told from the dead. Where a file system has no locks,
 * what the dead left stays.
 */
final class PartFile implements AutoCloseable {

    /** What a name may have in bytes on any file system. */
    private static final int SHORT_NAME = 40;

    private static final int RANDOM_BYTES = 8;
    private static final int TRIES = 100;
    private static final SecureRandom RANDOM = new SecureRandom();

    /** Held while one is made, moved or deleted. */
    private static final ReentrantLock GATE = new ReentrantLock();

    /**
     * Those that this process writes, by name. Not only for its end: the system's locks are a process's, not a
     * channel's, so that opening and closing one of these to see whether it is locked would unlock it.
     */
    private static final Map<String, PartFile> OPEN = new HashMap<>();

    static {
        try {
            Runtime.getRuntime().addShutdownHook(new Thread(PartFile::deleteAll, "unfinished files"));
        } catch (IllegalStateException e) {
            // The process is about to end as it writes its first file.
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

    /** Makes an empty one, and the target's directory where needed; deletes those of dead processes. */
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
                // Another process may have taken it for a dead one's before it was locked.
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

    /** Whether no other process has it. */
    private boolean lock() {
        try {
            return channel.tryLock() != null;
        } catch (IOException e) {
            return true; // There are no locks: none deletes it, either.
        }
    }

    Path path() {
        return path;
    }

    FileChannel channel() {
        return channel;
    }

    /** Makes it the target. Still locked until then: a name that is not locked is a dead process's. */
    void moveTo(Path target) throws IOException {
        GATE.lock();
        try {
            Files.move(path, target, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
            OPEN.remove(name());
        } finally {
            GATE.unlock();
        }
    }

    /** Deletes it, unless it was moved. */
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

    /** As the process ends. The gate stays shut: what other threads do until then makes nothing new. */
    private static void deleteAll() {
        GATE.lock();
        List.copyOf(OPEN.values()).forEach(PartFile::delete);
    }

    private static void deleteDead(Path target) {
        Pattern parts = Pattern.compile(Pattern.quote(beginning(target)) + "[0-9a-f]{" + 2 * RANDOM_BYTES + "}\\.part");
        forEach(target.getParent(), parts, PartFile::deleteUnlocked);
    }

    /** Deletes all whose targets have such names, but those of this process; locked or not. */
    static void deleteAll(Path directory, String names) {
        forEach(directory, Pattern.compile("\\.(" + names + ")\\.[^.]+\\.part"), file -> {
            try {
                Files.deleteIfExists(file);
            } catch (IOException e) {
                // It disturbs nothing.
            }
        });
    }

    /** The files with such names in a directory, but those that this process writes. */
    private static void forEach(Path directory, Pattern parts, Consumer<Path> action) {
        GATE.lock();
        DirectoryStream.Filter<Path> dead = file -> parts.matcher(file.getFileName().toString()).matches()
                && !OPEN.containsKey(file.getFileName().toString())
                && Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS);
        try (DirectoryStream<Path> files = Files.newDirectoryStream(directory, dead)) {
            files.forEach(action);
        } catch (IOException | RuntimeException e) {
            // They disturb nothing.
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
            // It is another user's, or there are no locks.
        }
    }

    /** A name that nobody can guess, and no longer than the target's where that is long. */
    static Path beside(Path target) {
        byte[] random = new byte[RANDOM_BYTES];
        RANDOM.nextBytes(random);
        return target.resolveSibling(beginning(target) + HexFormat.of().formatHex(random) + ".part");
    }

    /** What comes before the random digits, {@code .NAME.}. */
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
