package io.framecast.backend.cuda.compiler;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.framecast.ChildJvm;
import io.framecast.FramecastException;
import io.framecast.backend.FetchListener;
import io.framecast.fetch.LibraryJar;
import io.framecast.nvrtc.NativeNvrtc;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
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
        LibraryJar jar = new LibraryJar(NvrtcJar.ARTIFACT, () -> directory.resolve("cache"), List.of(),
                "http://127.0.0.1:9",
                Duration.ZERO, FetchListener.NONE);
        return new Nvrtc(environment, List.of(system), jar, candidate -> {
            tried.add(candidate.directory());
            if (broken.contains(candidate.directory())) {
                throw new IOException("it is broken");
            }
            return null;
        }, Optional.empty());
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
        Path newer = with("newer", "libnvrtc.so.13", "libnvrtc-builtins.so.13.0");
        Path whole = whole("whole");
        assertEquals(given.toString(), nvrtc(given.toString(), whole).load(false).toString());
        assertEquals(whole + " (passed over: " + partial + ": there is no libnvrtc-builtins.so.12.*)",
                nvrtc(null, old, newer, partial, directory.resolve("none"), whole).load(false).toString());
        assertEquals(whole.toString(), nvrtc("", whole).load(true).toString());
        assertEquals(newer.toString(), nvrtc(newer.toString(), whole).load(true).toString());
        assertEquals(List.of(given, whole, whole, newer), tried);
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
        assertEquals("NVRTC 12 is not here yet; the first use takes it from http://127.0.0.1:9/"
                + NvrtcJar.ARTIFACT.path() + ".",
                refused(nvrtc(null), false));
    }

    @Test
    void refusesADirectoryWithoutIt() throws IOException {
        Path partial = with("partial", "libnvrtc.so.12");
        String message = refused(nvrtc(partial.toString()), true);
        assertTrue(message.startsWith("FRAMECAST_NVRTC is " + partial + ", which has no libnvrtc.so.12"), message);
    }

    /** A library with NVRTC's interface, which compiles a program to what it was given. */
    private Path echo(int major, int oldest) throws Exception {
        Path place = Files.createDirectory(directory.resolve("cuda-" + major));
        String builtins = "libnvrtc-builtins.so." + major + ".1";
        ChildJvm.compile(place.resolve("libnvrtc.so." + major), """
                #include <cstring>
                #include <dlfcn.h>
                #include <string>
                static std::string given;
                static const std::string code("\\x7f" "ELF\\0code", 9);
                static int copy(const std::string &from, char *to) {
                    std::memcpy(to, from.data(), from.size());
                    return 0;
                }
                extern "C" {
                int nvrtcVersion(int *major, int *minor) { *major = %d; *minor = 1; return 0; }
                int nvrtcGetNumSupportedArchs(int *count) { *count = 2; return 0; }
                int nvrtcGetSupportedArchs(int *all) { all[0] = %d; all[1] = 120; return 0; }
                const char *nvrtcGetErrorString(int result) { return result == 6 ? "COMPILATION" : "?"; }
                int nvrtcCreateProgram(void **program, const char *source, const char *name, int headers,
                        const char *const *texts, const char *const *names) {
                    *program = &given;
                    given = std::string(name) + "|" + source;
                    for (int k = 0; k < headers; ++k) given += std::string("|") + names[k] + "=" + texts[k];
                    return 0;
                }
                int nvrtcDestroyProgram(void **program) { *program = nullptr; return 0; }
                int nvrtcCompileProgram(void *, int options, const char *const *texts) {
                    for (int k = 0; k < options; ++k) given += std::string("|") + texts[k];
                    return given.find("wrong") != std::string::npos || !dlopen("%s", RTLD_NOW | RTLD_NOLOAD) ? 6 : 0;
                }
                int nvrtcGetProgramLogSize(void *, size_t *size) { *size = 4; return 0; }
                int nvrtcGetProgramLog(void *, char *to) { return copy(std::string("log", 4), to); }
                int nvrtcGetPTXSize(void *, size_t *size) { *size = given.size() + 1; return 0; }
                int nvrtcGetPTX(void *, char *to) { to[given.size()] = 0; return copy(given, to); }
                int nvrtcGetCUBINSize(void *, size_t *size) { *size = code.size(); return 0; }
                int nvrtcGetCUBIN(void *, char *to) { return copy(code, to); }
                }
                """.formatted(major, oldest, builtins));
        ChildJvm.compile(place.resolve(builtins), "int builtins;", "-Wl,-soname," + builtins);
        return place;
    }

    private Nvrtc nvrtc(int driver, int computeCapability, Path... system) {
        LibraryJar jar = new LibraryJar(NvrtcJar.ARTIFACT, () -> directory.resolve("cache"), List.of(),
                "http://127.0.0.1:9",
                Duration.ZERO, FetchListener.NONE);
        return new Nvrtc(Map.of(), List.of(system), jar, Nvrtc::open,
                Optional.of(new Nvrtc.Target(driver, computeCapability)));
    }

    @Test
    void takesTheVersionThatServesDriverAndGpu() throws Exception {
        Path newer = echo(13, 75);
        Path older = echo(12, 50);
        assertEquals(older.toString(), nvrtc(13, 90, newer, older).load(false).toString());
        assertEquals(newer.toString(), nvrtc(13, 75, newer).load(false).toString());
        assertTrue(refused(nvrtc(12, 90, newer), false).endsWith(" What is here cannot be loaded: " + newer
                + ": the driver is for CUDA 12, and loads nothing that NVRTC 13 compiles."));
        assertTrue(refused(nvrtc(13, 70, newer), false).endsWith(" What is here cannot be loaded: " + newer
                + ": NVRTC 13 compiles for compute capability 7.5 and later, and the GPU has 7.0."));
    }

    @Test
    void handsAProgramToTheLibraryAndItsResultsBack() throws Exception {
        try (NativeNvrtc.Library library = nvrtc(13, 80, echo(13, 75)).load(false).library()) {
            assertEquals(List.of(13, 1, 2, 75, 120), List.of(library.major_version(), library.minor_version(),
                    library.architectures(), library.architecture(0), library.architecture(1)));
            try (NativeNvrtc.Program program = new NativeNvrtc.Program(library, "a.cu", "int a;")) {
                program.header("b.h", "int b;");
                program.header("c.h", "int c;");
                program.option("-O1");
                program.option("-O2");
                assertNull(program.compile());
                assertEquals("a.cu|int a;|b.h=int b;|c.h=int c;|-O1|-O2", program.ptx());
                byte[] code = new byte[(int) program.machine_code_size()];
                program.machine_code().get(code);
                assertEquals("\u007fELF\0code", new String(code, StandardCharsets.ISO_8859_1));
            }
            try (NativeNvrtc.Program program = new NativeNvrtc.Program(library, "a.cu", "wrong")) {
                assertEquals("COMPILATION", program.compile());
                assertEquals("log", program.log());
            }
        }
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
