package io.framecast.system;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.framecast.ChildJvm;
import io.framecast.FramecastException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class UserCacheTest {

    private static final Path NO_HOME = Path.of("?");

    @TempDir
    private Path directory;
    private Path home;
    private Path temporary;
    private String user;

    /** Loads a library of JavaCPP in a separate process, and prints the path from which it was loaded. */
    public static void main(String... arguments) {
        JavaCpp.load();
        System.out.println(UserCache.directory());
    }

    @BeforeEach
    void prepare() throws IOException {
        home = Files.createDirectory(directory.resolve("home"));
        temporary = permit(Files.createDirectory(directory.resolve("tmp")), "rwxrwx---");
        user = Files.getAttribute(directory, "unix:uid").toString();
    }

    private static Path permit(Path file, String permissions) throws IOException {
        return Files.setPosixFilePermissions(file, PosixFilePermissions.fromString(permissions));
    }

    private static String permissions(Path file) throws IOException {
        return PosixFilePermissions.toString(Files.getPosixFilePermissions(file));
    }

    private Path find(Map<String, String> environment, Path homeDirectory) {
        return UserCache.directory(environment, homeDirectory, List.of(temporary));
    }

    private String refused(Map<String, String> environment) {
        return assertThrows(FramecastException.class, () -> find(environment, NO_HOME)).getMessage();
    }

    /** Changes the owner of a file or directory; only root can do that. */
    private static void giveAway(Path file) {
        try {
            int own = (int) Files.getAttribute(file, "unix:uid", LinkOption.NOFOLLOW_LINKS);
            Files.setAttribute(file, "unix:uid", own + 1, LinkOption.NOFOLLOW_LINKS);
        } catch (IOException e) {
            assumeTrue(false, "only root can give files away");
        }
    }

    // ---- Where ---------------------------------------------------------------------------------------------------

    @Test
    void isWhereItIsSaidElseInTheHomeElseAmongTheTemporaryFiles() throws IOException {
        Path said = directory.resolve("said/here");
        Path xdg = directory.resolve("xdg");
        assertEquals(said, find(Map.of("FRAMECAST_CACHE", said.toString(), "XDG_CACHE_HOME", xdg.toString()), home));
        assertFalse(Files.exists(xdg));
        assertEquals(xdg.resolve("framecast"), find(Map.of("XDG_CACHE_HOME", xdg.toString()), home));
        assertEquals(home.resolve(".cache/framecast"), find(Map.of("XDG_CACHE_HOME", "relative"), home));
        // A user without an entry in the user database.
        assertEquals(home.resolve(".cache/framecast"), find(Map.of("HOME", home.toString()), NO_HOME));
        // $HOME, as ~ in a shell, takes precedence over the user database.
        Path shells = Files.createDirectory(directory.resolve("shells"));
        assertEquals(shells.resolve(".cache/framecast"), find(Map.of("HOME", shells.toString()), home));
        Path last = temporary.resolve("framecast-" + user);
        assertEquals(last, find(Map.of(), NO_HOME));
        assertEquals(last, find(Map.of("HOME", "relative"), directory.resolve("none")));
        for (Path made : List.of(said, xdg.resolve("framecast"), home.resolve(".cache/framecast"), last)) {
            assertEquals("rwx------", permissions(made));
            try (Stream<Path> files = Files.list(made)) {
                assertEquals(0, files.count());
            }
        }
        assertFalse(Files.exists(directory.resolve("none")) || Files.exists(NO_HOME));
    }

    @Test
    void whatCannotBeUsedIsPassedOver() throws IOException {
        Files.writeString(home.resolve(".cache"), "a file");
        Map<String, String> environment = Map.of("XDG_CACHE_HOME", "/proc");
        assertEquals(temporary.resolve("framecast-" + user), find(environment, home));
        Files.delete(temporary.resolve("framecast-" + user));
        Files.writeString(temporary.resolve("framecast-" + user), "a file");
        String message = refused(environment);
        assertTrue(message.startsWith("There is no place for native libraries, not even /proc/framecast (")
                && message.contains(temporary + "/framecast-" + user + " (") && message.endsWith(
                        "; set FRAMECAST_CACHE to a directory of your own that programs can be run from."), message);
        message = refused(Map.of("FRAMECAST_CACHE", "/dev/null"));
        assertTrue(message.startsWith("FRAMECAST_CACHE is /dev/null, which cannot be used: "), message);
    }

    @Test
    void whereProgramsCannotBeRunItIsNot() throws Exception {
        List<String> mounted = List.of("unshare", "--user", "--map-root-user", "--mount", "sh", "-c",
                "mount -t tmpfs -o noexec,mode=700 none " + home + " && exec \"$@\"", "sh");
        assumeTrue(succeeds(mounted, "true"), "this system lets nobody mount");
        String[] prefix = mounted.toArray(String[]::new);
        Path last = temporary.resolve("framecast-0");
        assertEquals(last.toString(), child().under(prefix).environment("XDG_CACHE_HOME", home)
                .run(UserCacheTest.class));
        // The files created for the check are removed: the home directory is empty.
        assertEquals(last + "\n.\n..", child().under(prefix).under("sh", "-c", "\"$@\" && ls -a " + home, "sh")
                .environment("HOME", home).run(UserCacheTest.class));
        String refused = child().under("sh", "-c", "! \"$@\"", "sh").under(prefix).environment("FRAMECAST_CACHE", home)
                .run(UserCacheTest.class);
        assertTrue(refused.contains("FRAMECAST_CACHE is " + home + ", which cannot be used: programs cannot be run "
                + "from there; set it to"), refused);
    }

    private static boolean succeeds(List<String> prefix, String command) throws Exception {
        try {
            return new ProcessBuilder(Stream.concat(prefix.stream(), Stream.of(command)).toList()).start().waitFor()
                    == 0;
        } catch (IOException e) {
            return false; // The program does not exist.
        }
    }

    private ChildJvm child() {
        return new ChildJvm().in(directory).property("user.home", "?").property("java.io.tmpdir", temporary)
                .environment("HOME", null).environment("XDG_CACHE_HOME", null).environment("FRAMECAST_CACHE", null);
    }

    // ---- Whose ---------------------------------------------------------------------------------------------------

    @Test
    void whereOthersCouldWriteNothingIsBelieved() throws IOException {
        Path last = temporary.resolve("framecast-" + user);
        Path open = permit(Files.createDirectories(home.resolve(".cache/framecast")), "rwxrwxr-x");
        assertEquals(last, find(Map.of(), home));
        assertEquals("rwxrwxr-x", permissions(open), "closed, it would be believed the next time");
        Map<String, String> given = Map.of("FRAMECAST_CACHE", open.toString());
        assertTrue(refused(given).startsWith("FRAMECAST_CACHE is " + open + ", which cannot be used: others may write "
                + "there; set it to a directory of your own"));
        // Also in subdirectories.
        permit(open, "rwxr-xr-x");
        Path below = permit(Files.createDirectories(open.resolve("a.jar/b")), "rwxrwxr-x");
        assertEquals(last, find(Map.of(), home));
        assertTrue(refused(given).contains("others may write to " + below + "; set it to"));
        permit(below, "rwxr-xr-x");
        Path file = permit(Files.createFile(below.resolve("lib.so")), "rw-rw-r--");
        assertTrue(refused(given).contains("others may write to " + file + "; set it to"));
        // But group and other permissions by the umask are fine below a directory that is closed to others.
        permit(open, "rwx------");
        assertEquals(open, find(given, NO_HOME));
        Files.createSymbolicLink(below.resolve("lib.so.1"), file);
        Files.createSymbolicLink(below.resolve("lib.so.2"), below.resolve("none"));
        assertEquals(open, find(given, NO_HOME));
        // The same is checked for the targets of links that lead out of the directory.
        Path outside = permit(Files.createFile(directory.resolve("lib.so")), "rw-r--r--");
        Files.createSymbolicLink(below.resolve("lib.so.3"), outside);
        assertEquals(open, find(given, NO_HOME));
        permit(outside, "rw-rw-r--");
        assertTrue(refused(given).contains("others may write to " + outside.toRealPath() + "; set it to"));
        Files.delete(outside);
        Path link = Files.createSymbolicLink(open.resolve("kernels"), temporary);
        assertTrue(refused(given).contains(link + " is a link to elsewhere; set it to"));
    }

    @Test
    void whatOthersMayReplaceIsNotUsed() throws IOException {
        permit(temporary, "rwxrwxrwx");
        assertTrue(refused(Map.of()).contains("everybody may put another directory in its place"));
        Files.setAttribute(temporary, "unix:mode", 01777);
        assertEquals(temporary.resolve("framecast-" + user), find(Map.of(), NO_HOME));
    }

    /** Written by others while the directory was open to them; now it is closed. */
    @Test
    void whatOthersPutThereIsNotBelieved() throws IOException {
        Path cache = permit(Files.createDirectories(home.resolve(".cache/framecast")), "rwx------");
        Path nvrtc = Files.createDirectory(cache.resolve("nvrtc-12.9"));
        Path planted = Files.createFile(nvrtc.resolve("libnvrtc.so.12"));
        assertEquals(cache, find(Map.of(), home));
        for (Path entry : List.of(planted, nvrtc)) {
            giveAway(entry);
            assertEquals(temporary.resolve("framecast-" + user), find(Map.of(), home));
            assertTrue(refused(Map.of("FRAMECAST_CACHE", cache.toString())).contains(
                    entry + " belongs to somebody else; set it to"));
            Files.deleteIfExists(planted);
        }
    }

    @Test
    void whatSomebodyElseHasMadeIsNotUsed() throws IOException {
        Path place = temporary.resolve("framecast-" + user);
        giveAway(Files.createDirectory(place));
        permit(place, "rwxr-xr-x");
        assertTrue(refused(Map.of()).contains("it belongs to somebody else"));
        Files.delete(place);
        Path own = permit(Files.createDirectory(directory.resolve("own")), "rwx------");
        Files.createSymbolicLink(place, own);
        assertEquals(place, find(Map.of(), NO_HOME));
        giveAway(place);
        assertTrue(refused(Map.of()).contains("it belongs to somebody else"));
    }

    // ---- What is unpacked ----------------------------------------------------------------------------------------

    @Test
    void aProcessWithoutAHomeMakesNoneAndMendsADamagedLibrary() throws Exception {
        Path place = temporary.resolve("framecast-" + user);
        assertEquals(place.toString(), child().run(UserCacheTest.class));
        Path library;
        try (Stream<Path> files = Files.walk(place)) {
            library = files.filter(file -> file.endsWith("libjnijavacpp.so")).findFirst().orElseThrow();
        }
        byte[] good = Files.readAllBytes(library);
        FileTime time = Files.getLastModifiedTime(library);
        // The same size and date, which is all that JavaCPP compares.
        Files.write(library, new byte[good.length]);
        Files.setLastModifiedTime(library, time);
        assertEquals(place.toString(), child().run(UserCacheTest.class));
        assertArrayEquals(good, Files.readAllBytes(library));
        try (Stream<Path> files = Files.list(directory)) {
            assertEquals(List.of(home, temporary), files.sorted().toList());
        }
    }
}
