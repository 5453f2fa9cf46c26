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
 * Where this project keeps what it can fetch or make anew, and what it loads as code: native libraries and kernels. It
 * is a directory of this user, in which nobody else can or could put anything and from which libraries can be loaded.
 *
 * <p>What lies in it is believed, so a directory that is there already serves only if all in it is this user's and
 * others cannot write to it. One that others could write to is not closed and then used: what they put there while it
 * was open would stay.
 */
public final class UserCache {

    /** Names the directory. */
    public static final String VARIABLE = "FRAMECAST_CACHE";

    private static final Set<PosixFilePermission> OWNER_ONLY = PosixFilePermissions.fromString("rwx------");

    /** The bits of a file's mode by which others may write, and by which they may not rename what is not theirs. */
    private static final int OTHERS_WRITE = 0022;
    private static final int EVERYBODY_WRITES = 0002;
    private static final int STICKY = 01000;

    /** The bits of a directory's mode without which others cannot get at what is in it, whatever its own mode. */
    private static final int OTHERS_ENTER = 0011;

    private static final Map<Map<String, String>, Path> FOUND = new HashMap<>();

    private UserCache() {
    }

    /**
     * The directory for this process.
     *
     * @throws FramecastException if there is no place for one
     */
    public static Path directory() {
        return directory(System.getenv());
    }

    /**
     * The directory that FRAMECAST_CACHE names; else the first that can be had: by the XDG convention in XDG_CACHE_HOME
     * or the home's .cache, else one for this user among the temporary files. It is made where it is not there. The
     * home is what HOME says, as it is for shells, else what the system knows. A process looks once.
     *
     * @throws FramecastException if there is none
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
     * @param home this user's, as the system knows it; not absolute where there is none
     * @param temporary directories for temporary files, which are everybody's
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
        // A user without an entry among the users has the home "?", but may well be given one.
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

    /** Only a name; whose a directory is, its owner tells. */
    private static String user() {
        try {
            return Files.getAttribute(Path.of("/proc/self"), "unix:uid").toString();
        } catch (IOException e) {
            return Integer.toHexString(System.getProperty("user.name").hashCode());
        }
    }

    /**
     * Makes the directory where it is not there, and makes sure of it.
     *
     * @throws IOException if it is not this user's alone, or nothing can be written or loaded there
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
            // A link that others have made may lead to a directory of this user; it is not for them to say.
            if (!user.equals(owner(directory)) || !user.equals(owner(directory.toRealPath()))) {
                throw new IOException("it belongs to somebody else");
            }
            // The kernel says no where the file system is mounted noexec.
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
     * Makes sure of all that lies in a directory: the owner tells what others put there while they could.
     *
     * @param top the cache, which links to directories do not lead out of
     * @param forbidden bits of modes
     */
    private static void requireOwn(Path directory, Path top, Object user, int forbidden) throws IOException {
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory)) {
            for (Path entry : entries) {
                try {
                    requireOwnEntry(entry, top, user, forbidden);
                } catch (NoSuchFileException e) {
                    // Another process of this user has moved it, or a link leads nowhere.
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
                // JavaCPP's links between its files, in a cache that was copied, lead to the one it was copied from.
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
