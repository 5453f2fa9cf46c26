package io.framecast.backend.cuda.compiler;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.framecast.ChildJvm;
import io.framecast.FramecastException;
import io.framecast.backend.FetchListener;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(120)
class NvrtcTest {

    @TempDir
    private Path directory;
    private final List<Path> tried = new ArrayList<>();
    private final List<Path> broken = new ArrayList<>();

    private Path with(String name, String... files) throws IOException {
        Path made = Files.createDirectories(directory.resolve(name));
        for (String file : files) {
            Files.writeString(made.resolve(file), "");
        }
        return made;
    }

    private Path whole(String name) throws IOException {
        return with(name, "libnvrtc.so.12", "libnvrtc.so.12.6.85", "libnvrtc-builtins.so.12.6");
    }

    /** The loader under test; directories in {@link #broken} cannot be loaded. */
    private Nvrtc nvrtc(String given, Path... system) {
        Map<String, String> environment = given == null ? Map.of() : Map.of("FRAMECAST_NVRTC", given);
        NvrtcJar jar = new NvrtcJar(NvrtcJar.LIBRARIES, directory.resolve("cache"), List.of(), "http://127.0.0.1:9",
                Duration.ZERO, FetchListener.NONE);
        return new Nvrtc(environment, List.of(system), jar, place -> {
            tried.add(place);
            if (broken.contains(place)) {
                throw new IOException("it is broken");
            }
        });
    }

    private static String refused(Nvrtc nvrtc, boolean fetch) {
        String message = assertThrows(FramecastException.class, () -> nvrtc.load(fetch)).getMessage();
        assertTrue(message.endsWith(".") && !message.contains("\n"), message);
        return message;
    }

    @Test
    void looksWhereItIsToldThenInTheSystem() throws IOException {
        Path given = with("given", "libnvrtc.so.12", "libnvrtc-builtins.so.12.4");
        Path old = with("old", "libnvrtc.so.11.2", "libnvrtc-builtins.so.11.8");
        Path partial = with("partial", "libnvrtc.so.12", "libnvrtc-builtins.so.11.8");
        Path whole = whole("whole");
        assertEquals(given.toString(), nvrtc(given.toString(), whole).load(false).toString());
        assertEquals(whole + " (passed over: " + partial + ": there is no libnvrtc-builtins.so.12.*)",
                nvrtc(null, old, partial, directory.resolve("none"), whole).load(false).toString());
        assertEquals(whole.toString(), nvrtc("", whole).load(true).toString());
        assertEquals(List.of(given, whole, whole), tried);
    }

    @Test
    void takesTheFirstThatCanBeLoadedAndListsTheOthersWhereNoneCan() throws IOException {
        broken.addAll(List.of(whole("one"), whole("two")));
        Path good = whole("good");
        String each = broken.get(0) + ": it is broken, " + broken.get(1) + ": it is broken";
        assertEquals(good + " (passed over: " + each + ")",
                nvrtc(null, broken.get(0), broken.get(1), good).load(false).toString());
        assertEquals(List.of(broken.get(0), broken.get(1), good), tried);
        Nvrtc none = nvrtc(null, broken.get(0), broken.get(1));
        String failures = " What is here cannot be loaded: " + each + ".";
        assertTrue(refused(none, false).endsWith(failures));
        String message = refused(none, true);
        assertTrue(message.startsWith("NVRTC, the compiler of CUDA kernels, is not here and cannot be taken from ")
                && message.endsWith(failures), message);
        // If FRAMECAST_NVRTC names a directory, no other one is tried.
        assertEquals("NVRTC cannot be loaded from " + broken.get(0) + ": it is broken; set FRAMECAST_NVRTC to the "
                + "directory of another NVRTC 12, or unset it.", refused(nvrtc(broken.get(0).toString(), good), true));
    }

    @Test
    void saysWhereItWouldComeFrom() {
        assertEquals("NVRTC 12 is not here yet; the first use takes it from http://127.0.0.1:9/" + NvrtcJar.PATH + ".",
                refused(nvrtc(null), false));
    }

    @Test
    void refusesADirectoryWithoutIt() throws IOException {
        Path partial = with("partial", "libnvrtc.so.12");
        String message = refused(nvrtc(partial.toString()), true);
        assertTrue(message.startsWith("FRAMECAST_NVRTC is " + partial + ", which has no libnvrtc.so.12"), message);
    }

    /** Compiles a kernel, and prints which compiler was used. */
    public static void main(String... arguments) {
        System.out.println(Nvrtc.describe());
        String ptx = TestCompiler.ptx("a.cu", "extern \"C\" __global__ void nothing() {}", "compute_80", List.of());
        System.out.println(ptx.contains(".entry nothing"));
    }

    /** Broken files: not a library, a truncated one, and other libraries with the names of NVRTC's. */
    @Test
    void brokenOnesThatAreFoundFirstAreNoHarm() throws Exception {
        Path good = TestCompiler.directory();
        String builtins = "libnvrtc-builtins.so." + Nvrtc.version();
        Path empty = with("empty", "libnvrtc.so.12", builtins);
        Path cut = with("cut");
        byte[] whole = Files.readAllBytes(good.resolve("libnvrtc.so.12"));
        Files.write(cut.resolve("libnvrtc.so.12"), Arrays.copyOf(whole, whole.length / 2));
        Files.copy(good.resolve(builtins), cut.resolve(builtins));
        Path other = with("other");
        ChildJvm.compile(other.resolve("libnvrtc.so.12"), "int other;", "-Wl,-soname,libnvrtc.so.12");
        Files.copy(good.resolve(builtins), other.resolve(builtins));
        Path otherBuiltins = with("other-builtins");
        Files.copy(good.resolve("libnvrtc.so.12"), otherBuiltins.resolve("libnvrtc.so.12"));
        ChildJvm.compile(otherBuiltins.resolve(builtins), "int other;", "-Wl,-soname," + builtins);
        String output = new ChildJvm().environment("FRAMECAST_NVRTC", null).environment("LD_LIBRARY_PATH",
                empty + ":" + cut + ":" + other + ":" + otherBuiltins + ":" + good).run(NvrtcTest.class);
        assertTrue(output.startsWith("NVRTC " + Nvrtc.version() + " in " + good + " (passed over: " + empty
                + ": libnvrtc.so.12 is ") && output.endsWith("\ntrue"), output);
        assertTrue(output.contains(", " + cut + ": libnvrtc.so.12 is cut short, " + other + ": libnvrtc.so.12 is "
                + "another library than its name says, " + otherBuiltins + ": " + builtins + " is another"), output);
        for (Path place : List.of(empty, cut, other, otherBuiltins)) {
            output = new ChildJvm().environment("FRAMECAST_NVRTC", place).under("sh", "-c", "! \"$@\"", "sh")
                    .run(NvrtcTest.class);
            assertTrue(output.contains("NVRTC cannot be loaded from " + place + ": lib"), output);
            assertFalse(output.contains("SIG"), output);
        }
    }
}
