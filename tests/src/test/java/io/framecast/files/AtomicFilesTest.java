package io.framecast.files;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.framecast.ChildJvm;
import io.framecast.FramecastException;
import io.framecast.data.NpyType;
import io.framecast.data.NpyWriter;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Timeout(60)
class AtomicFilesTest {

    @TempDir
    private Path directory;

    /** Writes "new" to every file named, as a separate process with its own umask and identity. */
    public static void main(String... files) {
        for (String file : files) {
            AtomicFiles.write(Path.of(file), "new");
        }
    }

    /** The output of a shell script in which {@code "$@"} runs {@link #main} for the files. */
    private static String shell(String script, Object... files) throws Exception {
        return new ChildJvm().under("sh", "-c", script, "sh").run(AtomicFilesTest.class, files);
    }

    private Path file(String name, String text) throws IOException {
        return Files.writeString(directory.resolve(name), text);
    }

    private static String permissions(Path file) throws IOException {
        return PosixFilePermissions.toString(Files.getPosixFilePermissions(file));
    }

    private String refused(Path file) {
        String message = assertThrows(FramecastException.class, () -> AtomicFiles.write(file, "new")).getMessage();
        assertTrue(message.startsWith("Cannot write " + file + ": ") && message.endsWith("."), message);
        return message;
    }

    private List<String> names() throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            return files.map(path -> path.getFileName().toString()).sorted().toList();
        }
    }

    // ---- Before the work -----------------------------------------------------------------------------------------

    @Test
    void whatCanBeWrittenIsKnownBeforeAndTheCheckLeavesNothing() throws Exception {
        Path old = file("old", "old");
        Path link = Files.createSymbolicLink(directory.resolve("link"), Path.of("elsewhere/new"));
        Path loop = Files.createSymbolicLink(directory.resolve("loop"), Path.of("loop"));
        List<String> before = names();
        for (Path file : List.of(old, link, directory.resolve("a/b/c"), Path.of("/dev/null"))) {
            AtomicFiles.requireWritable(file);
        }
        AtomicFiles.requireDirectory(directory);
        AtomicFiles.requireDirectory(directory.resolve("a/b"));
        assertEquals("old", Files.readString(old));
        for (Path file : List.of(directory, old.resolve("x"), loop, Path.of("/proc/new"), Path.of("/proc/new/x"))) {
            assertEquals(refused(file), assertThrows(FramecastException.class,
                    () -> AtomicFiles.requireWritable(file)).getMessage());
        }
        for (Path file : List.of(old, loop, Path.of("/proc/new"))) {
            assertThrows(FramecastException.class, () -> AtomicFiles.requireDirectory(file));
        }
        assertEquals(before, names());
        assertEquals("Cannot write /proc/new: nothing can be made in /proc.", refused(Path.of("/proc/new")));
    }

    // ---- Permissions ---------------------------------------------------------------------------------------------

    @ParameterizedTest
    @CsvSource({"077, rw-------", "022, rw-r--r--", "002, rw-rw-r--"})
    void aNewFileHasWhatTheUmaskLeavesAndAReplacedOneKeepsItsOwn(String umask, String expected) throws Exception {
        Path old = file("old", "old");
        Files.setPosixFilePermissions(old, PosixFilePermissions.fromString("rwxr-x--x"));
        Path fresh = directory.resolve("fresh");
        shell("umask " + umask + "; exec \"$@\"", fresh, old);
        assertEquals(expected, permissions(fresh));
        assertEquals("rwxr-x--x", permissions(old));
        assertEquals("new", Files.readString(old));
    }

    @Test
    void aFileSystemThatRefusesPermissionsIsWrittenToAllTheSame() throws Exception {
        Path library = ChildJvm.compile(directory.resolve("refuse.so"), """
                #include <cerrno>
                #include <sys/stat.h>
                extern "C" int chmod(const char *, mode_t) noexcept { errno = EPERM; return -1; }
                extern "C" int fchmod(int, mode_t) noexcept { errno = EPERM; return -1; }
                extern "C" int fchmodat(int, const char *, mode_t, int) noexcept { errno = EPERM; return -1; }
                """);
        Path old = file("old", "old");
        Files.setPosixFilePermissions(old, PosixFilePermissions.fromString("rwxr-x--x"));
        Path fresh = directory.resolve("fresh");
        shell("umask 027; LD_PRELOAD=" + library + " exec \"$@\"", fresh, old);
        assertEquals("new", Files.readString(fresh));
        assertEquals("new", Files.readString(old));
        assertEquals("rw-r-----", permissions(old), "the library did not refuse");
    }

    // ---- Symbolic links ------------------------------------------------------------------------------------------

    @Test
    void aSymbolicLinkStaysAndWhatItLeadsToIsWritten() throws IOException {
        Path elsewhere = Files.createDirectory(directory.resolve("elsewhere"));
        Path target = Files.writeString(elsewhere.resolve("target"), "old");
        Path near = Files.createSymbolicLink(elsewhere.resolve("near"), Path.of("target"));
        Path far = Files.createSymbolicLink(directory.resolve("far"), Path.of("elsewhere/near"));
        Path dangling = Files.createSymbolicLink(directory.resolve("dangling"), Path.of("elsewhere/later/file"));
        Path linked = Files.createSymbolicLink(directory.resolve("linked"), elsewhere);
        AtomicFiles.write(far, "new");
        assertEquals("new", Files.readString(target));
        assertTrue(Files.isSymbolicLink(far) && Files.isSymbolicLink(near));
        AtomicFiles.write(dangling, "made");
        assertTrue(Files.isSymbolicLink(dangling));
        assertEquals("made", Files.readString(elsewhere.resolve("later/file")));
        AtomicFiles.write(linked.resolve("inside"), "in");
        AtomicFiles.write(linked.resolve("deeper/inside"), "deep");
        assertEquals("in", Files.readString(elsewhere.resolve("inside")));
        assertEquals("deep", Files.readString(elsewhere.resolve("deeper/inside")));
        assertEquals(List.of("dangling", "elsewhere", "far", "linked"), names());
    }

    @Test
    void aLinkThatLeadsBackToItselfOrToADirectoryIsRefused() throws IOException {
        Path one = directory.resolve("one");
        Path two = Files.createSymbolicLink(directory.resolve("two"), one);
        Files.createSymbolicLink(one, two);
        assertTrue(refused(one).contains("leads back to itself"));
        assertTrue(refused(Files.createSymbolicLink(directory.resolve("up"), directory)).contains("is a directory"));
        assertEquals(List.of("one", "two", "up"), names());
    }

    // ---- Pipes and devices ---------------------------------------------------------------------------------------

    private Path pipe() throws Exception {
        Path pipe = directory.resolve("pipe");
        assertEquals(0, new ProcessBuilder("mkfifo", pipe.toString()).inheritIO().start().waitFor());
        return pipe;
    }

    @Test
    void aPipeIsWrittenIntoAndAnArrayMayBeOne() throws Exception {
        Path pipe = pipe();
        byte[] values = new byte[300_000];
        Path plain = directory.resolve("plain.npy");
        for (Path file : List.of(pipe, Files.createSymbolicLink(directory.resolve("link"), pipe))) {
            CompletableFuture<byte[]> read = CompletableFuture.supplyAsync(() -> read(pipe));
            NpyWriter.write(file, NpyType.UINT8, List.of(3, 100_000), out -> out.write(values));
            NpyWriter.write(plain, NpyType.UINT8, List.of(3, 100_000), out -> out.write(values));
            assertArrayEquals(Files.readAllBytes(plain), read.get(30, TimeUnit.SECONDS));
        }
        assertEquals(List.of("link", "pipe", "plain.npy"), names());
    }

    private static byte[] read(Path pipe) {
        try (InputStream in = Files.newInputStream(pipe)) {
            return in.readAllBytes();
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void aClosedPipeIsASentence() throws Exception {
        Path pipe = pipe();
        CompletableFuture<Void> reader = CompletableFuture.runAsync(() -> {
            try (InputStream in = Files.newInputStream(pipe)) {
                in.read();
            } catch (IOException e) {
                throw new AssertionError(e);
            }
        });
        String message = assertThrows(FramecastException.class,
                () -> AtomicFiles.write(pipe, "more than a pipe holds".repeat(100_000))).getMessage();
        assertEquals("Cannot write " + pipe + ": Broken pipe.", message);
        reader.get(30, TimeUnit.SECONDS);
    }

    @Test
    void devicesStayDevices() throws IOException {
        Path nothing = Path.of("/dev/null");
        AtomicFiles.write(nothing, "new");
        NpyWriter.write(nothing, NpyType.UINT8, List.of(5), out -> out.write(new byte[5]));
        // Larger than any disk: free space is not checked for devices.
        assertThrows(IllegalStateException.class, () -> NpyWriter.write(nothing, NpyType.UINT8,
                List.of(1 << 30, 1 << 30), out -> { }));
        assertFalse(Files.isRegularFile(nothing));
    }

    @Test
    void standardOutputIsWrittenToWhateverItIs() throws Exception {
        assertEquals("before\nnewnew", shell("echo before; \"$@\" | cat", "/dev/stdout", "/dev/fd/1"));
        Path output = directory.resolve("output");
        shell("{ echo before; \"$@\"; echo after; } >>" + output, "/dev/stdout");
        assertEquals("before\nnewafter\n", Files.readString(output));
    }

    // ---- The unfinished file --------------------------------------------------------------------------------------

    @Test
    void noNameIsTooLong() throws IOException {
        for (String name : List.of("n".repeat(255), "é".repeat(127), "\uD83C\uDF9E".repeat(63), "n".repeat(41), "n")) {
            Path file = directory.resolve(name);
            AtomicFiles.write(file, "new");
            assertEquals("new", Files.readString(file));
            String beside = PartFile.beside(file).getFileName().toString();
            int bytes = name.getBytes(StandardCharsets.UTF_8).length;
            assertTrue(beside.getBytes(StandardCharsets.UTF_8).length <= Math.max(bytes, 63), beside);
            assertTrue(beside.matches("\\.(.+)\\.[0-9a-f]{16}\\.part") && name.startsWith(beside.substring(1,
                    beside.length() - 22)), beside);
        }
        assertTrue(refused(directory.resolve("n".repeat(256))).contains("too long"));
        assertEquals(5, names().size());
    }

    @Test
    void theFileBesideHasANameThatNobodyCanGuess() throws IOException {
        Path file = file("file", "old");
        List<String> seen = new ArrayList<>();
        for (int k = 0; k < 2; k++) {
            AtomicFiles.write(file, out -> {
                seen.addAll(names());
                out.write('x');
            });
        }
        assertEquals(4, seen.size(), seen.toString());
        assertTrue(seen.get(0).matches("\\.file\\.[0-9a-f]{16}\\.part"), seen.toString());
        assertNotEquals(seen.get(0), seen.get(2));
        assertEquals(List.of("file"), names());
    }

    @Test
    void whatFailsLeavesWhatWasThere() throws IOException {
        Path file = file("file", "old");
        assertThrows(FramecastException.class, () -> AtomicFiles.write(file, out -> {
            out.write(new byte[100_000]);
            throw new IOException("no more");
        }));
        assertEquals("old", Files.readString(file));
        assertEquals(List.of("file"), names());
        assertTrue(refused(directory).contains("is a directory"));
        assertTrue(refused(file.resolve("below")).contains(file + " is in the way and is not a directory"));
    }

    // ---- The end of the process ----------------------------------------------------------------------------------

    /** Starts to write a file, prints a line when the first bytes are on the disk, and does not end by itself. */
    public static final class Stuck {
        public static void main(String... files) {
            AtomicFiles.write(Path.of(files[0]), out -> {
                out.write(new byte[1 << 20]);
                System.out.println("writing");
                while (true) {
                    LockSupport.park();
                }
            });
        }
    }

    private static Process stuck(Path file) throws IOException {
        // Shells may make background jobs ignore signals.
        Process process = new ProcessBuilder("env", "--default-signal=INT,HUP",
                Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-cp",
                System.getProperty("java.class.path"), Stuck.class.getName(), file.toString())
                .redirectError(ProcessBuilder.Redirect.INHERIT).start();
        assertEquals("writing", process.inputReader().readLine());
        return process;
    }

    private static int end(Process process, String signal) throws Exception {
        assertEquals(0, new ProcessBuilder("sh", "-c", "kill -" + signal + " " + process.pid()).start().waitFor());
        assertTrue(process.waitFor(30, TimeUnit.SECONDS));
        return process.exitValue();
    }

    @ParameterizedTest
    @CsvSource({"INT, 130", "TERM, 143", "HUP, 129"})
    void aSignalLeavesNothingHalfWrittenNorADirectoryForIt(String signal, int status) throws Exception {
        Path old = file("old", "old");
        for (Path file : List.of(directory.resolve("new/deep/file"), old)) {
            Process process = stuck(file);
            try {
                assertTrue(names().size() == 2, "nothing was being written");
                assertEquals(status, end(process, signal));
            } finally {
                process.destroyForcibly();
            }
            assertEquals(List.of("old"), names());
        }
        assertEquals("old", Files.readString(old));
    }

    /**
     * Unfinished files of running processes are not deleted, neither those of another process nor those of this one,
     * whose lock must remain after it has tested the other files.
     */
    @Test
    void whatAKilledProcessWasWritingGoesWhenTheSameNameIsWrittenNext() throws Exception {
        Path file = directory.resolve("file");
        String digits = ".0123456789abcdef.part";
        file(".other" + digits, "of another name");
        file(".file.more" + digits, "of another name");
        file(".file.backup.part", "no random digits");
        Files.createSymbolicLink(directory.resolve(".file" + digits), file("bystander", "stays"));
        Files.createDirectory(directory.resolve(".file" + digits.replace('0', 'f')));
        List<String> others = names();
        Process dead = stuck(file);
        Process living = null;
        try {
            String left = only(others);
            end(dead, "KILL");
            assertEquals(left, only(others));
            living = stuck(file);
            String written = only(others);
            assertNotEquals(left, written, "the second process did not delete what the first left");
            AtomicFiles.write(file, out -> {
                AtomicFiles.write(file, "inner");
                out.write("outer".getBytes(StandardCharsets.UTF_8));
                assertEquals("inner", Files.readString(file));
                try {
                    shell("exec \"$@\"", file);
                } catch (Exception e) {
                    throw new AssertionError(e);
                }
                assertEquals("new", Files.readString(file));
            });
            assertEquals("outer", Files.readString(file));
            assertTrue(Files.exists(directory.resolve(written)), "a living process lost its file");
            end(living, "KILL");
            AtomicFiles.write(file, "new");
            Files.delete(file);
            assertEquals(others, names());
        } finally {
            dead.destroyForcibly();
            if (living != null) {
                living.destroyForcibly();
            }
        }
    }

    /** The only name in the directory that is not in {@code others}. */
    private String only(List<String> others) throws IOException {
        List<String> names = new ArrayList<>(names());
        names.removeAll(others);
        assertEquals(1, names.size(), names.toString());
        return names.get(0);
    }
}
