package io.framecast.system;

import io.framecast.FramecastException;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The cache directory: downloads, and the code that the project loads (native libraries and compiled kernels). It
 * belongs to this user, no other user can write or could have written to it, and its file system allows loading
 * libraries.
 *
 * <p>Its contents are trusted. So an existing directory is used only if everything in it belongs to this user and
 * nobody else can write to it. A directory that others could write to is refused, even if its mode could be repaired:
 * they may have put files there already.
 */
public final class UserCache {

    /** The environment variable that names the directory. */
    public static final String VARIABLE = "FRAMECAST_CACHE";

    private static final Set<PosixFilePermission> OWNER_ONLY = PosixFilePermissions.fromString("rwx------");

    /** Mode bits: others may write; and the sticky bit, by which others may not rename or delete files of this user. */
    private static final int OTHERS_WRITE = 0022;
    private static final int EVERYBODY_WRITES = 0002;
    private static final int STICKY = 01000;

    /** Mode bits of a directory: without them, others cannot reach anything in it, whatever the modes of the files. */
    private static final int OTHERS_ENTER = 0011;

    private static final Map<Map<String, String>, Path> FOUND = new HashMap<>();

    private UserCache() {
    }

    /**
     * The cache directory for this process.
     *
     * @throws FramecastException if no directory can be used
     */
    public static Path directory() {
        return directory(System.getenv());
    }

    /**
     * The directory named by FRAMECAST_CACHE. Without that variable, the first one that can be used: in XDG_CACHE_HOME
     * or in .cache of the home directory (the XDG convention), else one for this user among the temporary files. It is
     * created if it does not exist. The home directory is HOME, as in shells, else the one in the user database. The
     * choice is made once per process.
     *
     * @throws FramecastException if no directory can be used
     */
    public static synchronized Path directory(Map<String, String> environment) {
        Path found = FOUND.get(environment);
        if (found == null) {
            found = directory(environment, Path.of(System.getProperty("user.home")), List.of(
                    Path.of(System.getProperty("java.io.tmpdir")), Path.of("/var/tmp"), Path.of("/dev/shm")));
            FOUND.put(Map.copyOf(environment), found);
        }
        return found;
    }

    /**
     * @param home the home directory from the user database; not absolute if there is none
     * @param temporary directories for temporary files, writable by all users
     */
    static Path directory(Map<String, String> environment, Path home, List<Path> temporary) {
        String given = environment.getOrDefault(VARIABLE, "");
        if (!given.isEmpty()) {
            Path directory = Path.of(given).toAbsolutePath();
            try {
                prepare(directory);
                return directory;
            } catch (IOException e) {
                throw new FramecastException(VARIABLE + " is " + given + ", which cannot be used: " + reason(e)
                        + "; set it to a directory of your own that programs can be run from.", e);
            }
        }
        List<String> failures = new ArrayList<>();
        for (Path directory : places(environment, home, temporary)) {
            try {
                prepare(directory);
                return directory;
            } catch (IOException e) {
                failures.add(directory + " (" + reason(e) + ")");
            }
        }
        throw new FramecastException("There is no place for native libraries, not even " + String.join(", ", failures)
                + "; set " + VARIABLE + " to a directory of your own that programs can be run from.");
    }

    private static List<Path> places(Map<String, String> environment, Path home, List<Path> temporary) {
        List<Path> places = new ArrayList<>();
        Path caches = Path.of(environment.getOrDefault("XDG_CACHE_HOME", ""));
        if (caches.isAbsolute()) {
            places.add(caches.resolve("framecast"));
        }
        // Without an entry in the user database the JVM's user.home is "?", but HOME may be set.
        for (Path directory : List.of(Path.of(environment.getOrDefault("HOME", "")), home)) {
            Path place = directory.resolve(".cache/framecast");
            if (directory.isAbsolute() && Files.isDirectory(directory) && !places.contains(place)) {
                places.add(place);
            }
        }
        for (Path directory : temporary) {
            if (directory.isAbsolute() && Files.isDirectory(directory)) {
                places.add(directory.resolve("framecast-" + user()));
            }
        }
        return places;
    }

    /** Only part of a name; ownership is checked by the file's owner. */
    private static String user() {
        try {
            return Files.getAttribute(Path.of("/proc/self"), "unix:uid").toString();
        } catch (IOException e) {
            return Integer.toHexString(System.getProperty("user.name").hashCode());
        }
    }

    /**
     * Creates the directory if it does not exist, and checks it.
     *
     * @throws IOException if others can write to it, or this user cannot write there or load libraries from there
     */
    private static void prepare(Path directory) throws IOException {
        MadeDirectories made = new MadeDirectories();
        try {
            if (!Files.isDirectory(directory)) {
                made.make(directory, PosixFilePermissions.asFileAttribute(OWNER_ONLY));
            }
            require(directory);
        } catch (IOException e) {
            made.removeEmpty();
            throw e;
        }
    }

    private static void require(Path directory) throws IOException {
        Path parent = directory.toRealPath().getParent();
        if (parent != null && (mode(parent) & (EVERYBODY_WRITES | STICKY)) == EVERYBODY_WRITES) {
            throw new IOException("everybody may put another directory in its place");
        }
        if ((mode(directory) & OTHERS_WRITE) != 0) {
            throw new IOException("others may write there");
        }
        byte[] random = new byte[8];
        new SecureRandom().nextBytes(random);
        Path probe = directory.resolve(".probe-" + HexFormat.of().formatHex(random));
        Files.createFile(probe, PosixFilePermissions.asFileAttribute(OWNER_ONLY));
        try {
            Object user = owner(probe);
            // A link made by another user may lead to a directory of this user, but others must not choose the cache.
            if (!user.equals(owner(directory)) || !user.equals(owner(directory.toRealPath()))) {
                throw new IOException("it belongs to somebody else");
            }
            // The kernel refuses this on a file system mounted noexec.
            if (!Files.isExecutable(probe)) {
                throw new IOException("programs cannot be run from there");
            }
            requireOwn(directory, directory.toRealPath(), user,
                    (mode(directory) & OTHERS_ENTER) == 0 ? 0 : OTHERS_WRITE);
        } finally {
            Files.delete(probe);
        }
    }

    /**
     * Checks everything in a directory: files that others put there have another owner.
     *
     * @param top the cache directory; links must not lead to directories outside it
     * @param forbidden the mode bits that must not be set
     */
    private static void requireOwn(Path directory, Path top, Object user, int forbidden) throws IOException {
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory)) {
            for (Path entry : entries) {
                try {
                    requireOwnEntry(entry, top, user, forbidden);
                } catch (NoSuchFileException e) {
                    // Another process of this user has moved it, or it is a broken link.
                }
            }
        } catch (DirectoryIteratorException e) {
            throw e.getCause();
        }
    }

    private static void requireOwnEntry(Path entry, Path top, Object user, int forbidden) throws IOException {
        Map<String, Object> attributes = Files.readAttributes(entry, "unix:uid,mode,isSymbolicLink,isDirectory",
                LinkOption.NOFOLLOW_LINKS);
        if (!user.equals(attributes.get("uid"))) {
            throw new IOException(entry + " belongs to somebody else");
        }
        if ((boolean) attributes.get("isSymbolicLink")) {
            Path target = entry.toRealPath();
            if (!target.startsWith(top)) {
                // In a copied cache, JavaCPP's links between its files lead to the original cache.
                if (!Files.isRegularFile(target)) {
                    throw new IOException(entry + " is a link to elsewhere");
                }
                requireOwnEntry(target, top, user, OTHERS_WRITE);
            }
            return;
        }
        if (((int) attributes.get("mode") & forbidden) != 0) {
            throw new IOException("others may write to " + entry);
        }
        if ((boolean) attributes.get("isDirectory")) {
            requireOwn(entry, top, user, forbidden);
        }
    }

    private static int mode(Path path) throws IOException {
        return (int) Files.getAttribute(path, "unix:mode");
    }

    private static Object owner(Path path) throws IOException {
        return Files.getAttribute(path, "unix:uid", LinkOption.NOFOLLOW_LINKS);
    }

    private static String reason(IOException e) {
        if (e instanceof AccessDeniedException) {
            return "permission denied";
        }
        if (e instanceof NoSuchFileException) {
            return "it cannot be made";
        }
        return e instanceof FileSystemException f ? f.getReason() != null ? f.getReason() : "it is no directory"
                : e.getMessage();
    }
}
