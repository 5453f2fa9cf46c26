package io.framecast.backend.cuda.compiler;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.framecast.FramecastException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(120)
class KernelCacheTest {

    /** A compiler that counts its calls. Its "machine code" contains every byte value, and names all its inputs. */
    private record FakeCompiler(String version, AtomicInteger count) implements KernelCache.Compiler {
        FakeCompiler(String version) {
            this(version, new AtomicInteger());
        }

        @Override
        public byte[] compile(CudaSource source, String architecture, List<String> options) {
            count.incrementAndGet();
            byte[] text = List.of(version, source, architecture, options).toString().getBytes(StandardCharsets.UTF_8);
            byte[] image = new byte[256 + text.length];
            for (int k = 0; k < 256; k++) {
                image[k] = (byte) k;
            }
            System.arraycopy(text, 0, image, 256, text.length);
            return image;
        }
    }

    @TempDir
    Path temporary;

    private static CudaSource source(String name, String text, String... headers) {
        SortedMap<String, String> map = new TreeMap<>();
        for (int k = 0; k < headers.length; k += 2) {
            map.put(headers[k], headers[k + 1]);
        }
        return new CudaSource(name, text, map);
    }

    private static final CudaSource SOURCE = source("a.cu", "kernel", "a.cuh", "one", "b.cuh", "two");
    private static final List<String> OPTIONS = List.of("-DA=1", "-DB=2");

    private static byte[] image(Path directory, FakeCompiler compiler) {
        return new KernelCache(directory, compiler).image(SOURCE, "sm_80", OPTIONS);
    }

    private Path onlyFile() throws IOException {
        try (Stream<Path> files = Files.list(temporary)) {
            List<Path> all = files.toList();
            assertEquals(1, all.size(), all.toString());
            return all.get(0);
        }
    }

    @Test
    void compilesTheSameOnce() throws IOException {
        FakeCompiler compiler = new FakeCompiler("12.9");
        byte[] first = image(temporary, compiler);
        assertArrayEquals(first, image(temporary, compiler));
        assertEquals(1, compiler.count().get());
        String text = Files.readString(onlyFile(), StandardCharsets.ISO_8859_1);        // one byte per character
        String line = text.substring(0, text.indexOf('\n') + 1);
        assertTrue(line.matches("// .* [0-9a-f]{64}\n"), text);
        assertEquals(line + new String(first, StandardCharsets.ISO_8859_1), text);
    }

    @Test
    void compilesAnewWhenAnythingIsDifferent() {
        record Request(String version, CudaSource source, String architecture, List<String> options) {
        }
        List<Request> requests = List.of(
                new Request("12.9", SOURCE, "compute_80", OPTIONS),
                new Request("12.8", SOURCE, "compute_80", OPTIONS),
                new Request("12.9", SOURCE, "compute_90", OPTIONS),
                new Request("12.9", SOURCE, "sm_80", OPTIONS),
                new Request("12.9", SOURCE, "compute_80", List.of()),
                new Request("12.9", SOURCE, "compute_80", List.of("-DB=2", "-DA=1")),
                new Request("12.9", SOURCE, "compute_80", List.of("-DA=1:-DB=2")),
                new Request("12.9", source("b.cu", "kernel", "a.cuh", "one", "b.cuh", "two"), "compute_80", OPTIONS),
                new Request("12.9", source("a.cu", "kernels", "a.cuh", "one", "b.cuh", "two"), "compute_80", OPTIONS),
                new Request("12.9", source("a.cu", "kernel", "a.cuh", "one", "b.cuh", "2"), "compute_80", OPTIONS),
                new Request("12.9", source("a.cu", "kernel", "a.cuh", "one", "c.cuh", "two"), "compute_80", OPTIONS),
                new Request("12.9", source("a.cu", "kernel", "a.cuh", "one"), "compute_80", OPTIONS),
                new Request("12.9", source("a.cu", "kernel", "a.cuh", "one"), "compute_80",
                        List.of("b.cuh", "two", "-DA=1", "-DB=2")));
        for (int pass = 0; pass < 2; pass++) {
            for (Request r : requests) {
                FakeCompiler compiler = new FakeCompiler(r.version);
                byte[] image = new KernelCache(temporary, compiler).image(r.source, r.architecture, r.options);
                assertEquals(1 - pass, compiler.count().get(), r.toString());
                assertArrayEquals(new FakeCompiler(r.version).compile(r.source, r.architecture, r.options), image);
            }
        }
    }

    @Test
    void noticesADamagedFile() throws IOException {
        FakeCompiler compiler = new FakeCompiler("12.9");
        byte[] image = image(temporary, compiler);
        Path file = onlyFile();
        byte[] good = Files.readAllBytes(file);
        List<byte[]> damaged = new ArrayList<>();
        for (int length = 0; length < good.length; length++) {
            damaged.add(Arrays.copyOf(good, length));             // truncated
            byte[] flipped = good.clone();
            flipped[length] ^= 1;
            damaged.add(flipped);
        }
        damaged.add(Arrays.copyOf(good, good.length + 1));
        damaged.add(image);                                       // with other content
        for (byte[] bytes : damaged) {
            Files.write(file, bytes);
            int before = compiler.count().get();
            assertArrayEquals(image, image(temporary, compiler));
            assertEquals(before + 1, compiler.count().get(), HexFormat.of().formatHex(bytes));
            assertArrayEquals(good, Files.readAllBytes(onlyFile()));
        }
    }

    @Test
    void worksWhereNothingCanBeKept() throws IOException {
        FakeCompiler compiler = new FakeCompiler("12.9");
        Path file = Files.writeString(temporary.resolve("file"), "in the way");
        for (Path directory : List.of(file, file.resolve("below"), Path.of("/proc/framecast"), Path.of("/dev/null"))) {
            assertArrayEquals(image(directory, compiler), image(directory, compiler), directory.toString());
        }
        assertEquals(8, compiler.count().get());
        assertEquals("in the way", Files.readString(onlyFile()));
        // A directory at the path of the file is neither read nor replaced.
        Files.delete(file);
        image(temporary, compiler);
        Path place = onlyFile();
        Files.delete(place);
        Files.createDirectory(place);
        image(temporary, compiler);
        assertTrue(Files.isDirectory(onlyFile()));
    }

    @Test
    void keepsNothingOfWhatDoesNotCompile() throws IOException {
        KernelCache cache = KernelCache.of(Map.of("XDG_CACHE_HOME", temporary.toString()));
        String message = assertThrows(FramecastException.class,
                () -> cache.image(source("broken.cu", "x"), "compute_80", List.of())).getMessage();
        assertTrue(message.startsWith("NVRTC cannot compile broken.cu"), message);
        assertFalse(Files.exists(temporary.resolve("framecast/kernels")));
    }

    @Test
    void readsASourceWithItsHeaders() {
        CudaSource source = CudaSource.of("runtime_test.cu");
        assertTrue(source.text().contains("scale("));
        assertEquals(List.of("runtime_test.cuh", "runtime_test_shape.cuh"), List.copyOf(source.headers().keySet()));
        KernelCache cache = KernelCache.of(Map.of("XDG_CACHE_HOME", temporary.toString()));
        byte[] image = cache.image(source, "compute_80", List.of("--std=c++17", "--generate-line-info"));
        String ptx = new String(image, StandardCharsets.UTF_8);
        assertTrue(ptx.contains(".entry scale(") && ptx.contains("runtime_test.cu"), ptx);
        assertArrayEquals(image, cache.image(source, "compute_80", List.of("--std=c++17", "--generate-line-info")));
        assertTrue(Files.isDirectory(temporary.resolve("framecast/kernels")));
    }

    @Test
    void threadsAndProcessesMeet() throws Exception {
        List<Process> processes = new ArrayList<>();
        try {
            for (int k = 0; k < 2; k++) {
                processes.add(new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-cp", System.getProperty("java.class.path"), KernelCacheTest.class.getName(),
                        temporary.toString()).redirectErrorStream(true).start());
            }
            List<CompletableFuture<Void>> threads = IntStream.range(0, 2)
                    .mapToObj(k -> CompletableFuture.runAsync(() -> main(temporary.toString()))).toList();
            threads.forEach(CompletableFuture::join);
            for (Process process : processes) {
                String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
                assertEquals(0, process.waitFor(), output);
            }
        } finally {
            processes.forEach(Process::destroyForcibly);
        }
        try (Stream<Path> files = Files.list(temporary)) {
            assertEquals(3, files.count());
        }
    }

    /** Requests three kernels repeatedly, and sometimes damages a file, in the given directory. */
    public static void main(String... arguments) {
        Path directory = Path.of(arguments[0]);
        FakeCompiler compiler = new FakeCompiler("12.9");
        KernelCache cache = new KernelCache(directory, compiler);
        for (int k = 0; k < 300; k++) {
            CudaSource source = source("a.cu", (k % 3 + ";").repeat(20_000));
            byte[] image = cache.image(source, "sm_80", List.of());
            if (!Arrays.equals(image, compiler.compile(source, "sm_80", List.of()))) {
                throw new AssertionError("another kernel, or half of one, at " + k);
            }
            if (k % 7 == 0) {
                damageOne(directory);
            }
        }
    }

    private static void damageOne(Path directory) {
        try (Stream<Path> files = Files.list(directory)) {
            Path file = files.filter(path -> path.toString().endsWith(".image")).findFirst().orElseThrow();
            Files.writeString(file, "torn");
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }
}
