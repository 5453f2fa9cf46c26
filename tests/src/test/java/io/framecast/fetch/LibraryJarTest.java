package io.framecast.fetch;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.framecast.FramecastException;
import io.framecast.backend.FetchListener;
import io.framecast.fetch.LibraryJar.Artifact;
import io.framecast.fetch.LibraryJar.Library;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import java.util.zip.Deflater;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class LibraryJarTest {

    private static final String PATH = "org/example/libraries/1/libraries-1.jar";
    private static final String TITLE = "NVRTC 12.9, the compiler of CUDA kernels (45 MB, once)";

    /** A library smaller than a block of a range request, one of several blocks, and a file that is not needed. */
    private final byte[] builtins = randomBytes(1, 300_000);
    private final byte[] compiler = randomBytes(2, 3_000_000);
    private final byte[] other = randomBytes(3, 12_000_000);

    private final AtomicInteger requests = new AtomicInteger();
    private final AtomicInteger bytesServed = new AtomicInteger();
    private final AtomicInteger failures = new AtomicInteger();
    private final List<String> told = new ArrayList<>();
    private final FetchListener listener = new FetchListener() {
        private long last;

        @Override
        public void started(String what, URI from) {
            last = 0;
            told.add(what + " from " + from);
        }

        @Override
        public void progressed(long bytesDone, long bytesTotal) {
            assertTrue(bytesTotal <= builtins.length + compiler.length, bytesTotal + " bytes");
            assertTrue(bytesDone > last && bytesDone <= bytesTotal, bytesDone + " after " + last);
            last = bytesDone;
        }

        @Override
        public void ended(boolean complete) {
            told.add(complete + " after " + last);
        }
    };
    private boolean ranges = true;
    private byte[] zip;
    private HttpServer server;
    private List<Library> libraries;

    @TempDir
    private Path directory;
    private Path cache;

    @BeforeEach
    void start() throws Exception {
        libraries = List.of(library("lib/libnvrtc-builtins.so.12.9", builtins),
                library("lib/libnvrtc.so.12", compiler));
        zip = zip(Map.of("lib/libnvrtc-builtins.so.12.9", builtins, "lib/other.so", other, "lib/libnvrtc.so.12",
                compiler));
        cache = directory.resolve("cache/nvrtc");
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/maven2/" + PATH, this::serve);
        server.start();
    }

    @AfterEach
    void stop() {
        server.stop(0);
    }

    private static byte[] randomBytes(long seed, int count) {
        byte[] bytes = new byte[count];
        new Random(seed).nextBytes(bytes);
        return bytes;
    }

    private static Library library(String entry, byte[] content) throws Exception {
        byte[] digest = MessageDigest.getInstance("SHA-256").digest(content);
        return new Library(entry, content.length, HexFormat.of().formatHex(digest));
    }

    private static byte[] zip(Map<String, byte[]> entries) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ZipOutputStream out = new ZipOutputStream(bytes)) {
            out.setLevel(Deflater.NO_COMPRESSION); // Random bytes cannot be compressed: deflating them only takes time.
            for (Map.Entry<String, byte[]> entry : entries.entrySet()) {
                out.putNextEntry(new ZipEntry(entry.getKey()));
                out.write(entry.getValue());
            }
        }
        return bytes.toByteArray();
    }

    private void serve(HttpExchange exchange) throws IOException {
        requests.incrementAndGet();
        String range = exchange.getRequestHeaders().getFirst("Range");
        try (exchange) {
            if (failures.getAndDecrement() > 0) {
                exchange.sendResponseHeaders(503, -1);
            } else if (ranges && range != null) {
                String[] ends = range.substring("bytes=".length()).split("-");
                byte[] part = Arrays.copyOfRange(zip, Integer.parseInt(ends[0]), Integer.parseInt(ends[1]) + 1);
                exchange.getResponseHeaders().set("Content-Range",
                        "bytes " + ends[0] + "-" + ends[1] + "/" + zip.length);
                exchange.sendResponseHeaders(206, part.length);
                bytesServed.addAndGet(part.length);
                exchange.getResponseBody().write(part);
            } else {
                exchange.sendResponseHeaders(200, zip.length);
                exchange.getResponseBody().write(zip);
            }
        }
    }

    private String address() {
        return "http://127.0.0.1:" + server.getAddress().getPort() + "/maven2";
    }

    private Artifact artifact() {
        return new Artifact(PATH, "nvrtc", TITLE, "NVRTC", "install CUDA 12, or set FRAMECAST_NVRTC, or", libraries);
    }

    private LibraryJar jar() {
        return jar(address());
    }

    private LibraryJar jar(String address) {
        return new LibraryJar(artifact(), () -> cache, List.of(directory.resolve("m2")), address, Duration.ofMillis(5),
                listener);
    }

    private void requireLibraries() throws IOException {
        assertArrayEquals(builtins, Files.readAllBytes(cache.resolve("libnvrtc-builtins.so.12.9")));
        assertArrayEquals(compiler, Files.readAllBytes(cache.resolve("libnvrtc.so.12")));
    }

    private String refused(LibraryJar jar) {
        String message = assertThrows(FramecastException.class, jar::fetch).getMessage();
        assertTrue(message.endsWith(".") && !message.contains("\n"), message);
        assertFalse(jar.isCached());
        return message;
    }

    @Test
    void fetchesOnlyWhatItNeedsAndOnlyOnce() throws IOException {
        LibraryJar jar = jar();
        assertFalse(jar.isCached());
        jar.fetch();
        requireLibraries();
        assertTrue(jar.isCached());
        // Both libraries, plus one block at the ends of each and one for the central directory.
        assertTrue(bytesServed.get() <= builtins.length + compiler.length + 8 * HttpFile.BLOCK,
                bytesServed + " bytes of " + zip.length);
        int before = requests.get();
        jar.fetch();
        assertEquals(before, requests.get());
        assertEquals(List.of(TITLE + " from " + address() + "/"
                + PATH, "true after " + (builtins.length + compiler.length)), told);
    }

    @Test
    void clearsAwayWhatAnEndedProcessLeft() throws IOException {
        Files.createDirectories(cache);
        Path leftover = Files.createFile(cache.resolve(".libnvrtc.so.12.123.part"));
        jar().fetch();
        requireLibraries();
        assertFalse(Files.exists(leftover));
    }

    @Test
    void takesAJarThatMavenHas() throws IOException {
        Path jar = directory.resolve("m2").resolve(PATH);
        Files.createDirectories(jar.getParent());
        Files.write(jar, zip);
        assertEquals(jar.toString(), jar().origin());
        jar().fetch();
        requireLibraries();
        assertEquals(0, requests.get());
    }

    @Test
    void keepsNothingDamaged() throws IOException {
        byte[] damaged = compiler.clone();
        damaged[2_000_000]++;
        zip = zip(Map.of("lib/libnvrtc-builtins.so.12.9", builtins, "lib/libnvrtc.so.12", damaged));
        assertTrue(refused(jar()).contains("libnvrtc.so.12 is damaged"));
        try (Stream<Path> kept = Files.list(cache)) {
            assertEquals(List.of(".lock", "libnvrtc-builtins.so.12.9"),
                    kept.map(path -> path.getFileName().toString()).sorted().toList());
        }
        zip = zip(Map.of("lib/libnvrtc-builtins.so.12.9", builtins, "lib/libnvrtc.so.12", compiler));
        jar().fetch();
        requireLibraries();
    }

    @Test
    void refusesAnotherZip() throws IOException {
        zip = zip(Map.of("lib/other.so", other));
        assertTrue(refused(jar()).contains("it has no lib/libnvrtc-builtins.so.12.9"));
        zip = other;
        refused(jar());
    }

    @Test
    void saysWhenTheServerGivesNoParts() {
        ranges = false;
        assertTrue(refused(jar()).contains("only as a whole"));
    }

    @Test
    void triesAgainWhenTheServerIsBusy() throws IOException {
        failures.set(2);
        jar().fetch();
        requireLibraries();
    }

    @Test
    void saysWhatAServerAnswers() {
        failures.set(1000);
        assertTrue(refused(jar()).contains("503"));
        assertTrue(refused(jar(address() + "/none")).contains("404 (not found)"));
        assertEquals(List.of("false after 0", "false after 0"), List.of(told.get(1), told.get(3)));
    }

    @Test
    void saysWhatToDoWithoutANetwork() {
        LibraryJar jar = jar();
        server.stop(0);
        String message = refused(jar);
        for (String part : List.of("no connection", "install CUDA 12", "FRAMECAST_NVRTC",
                "FRAMECAST_MAVEN_REPOSITORY")) {
            assertTrue(message.contains(part), message);
        }
    }

    @Test
    void saysWhenTheCacheCannotBeWritten() throws IOException {
        Files.createDirectories(cache.getParent());
        Files.writeString(cache, "a file where the directory should be");
        assertTrue(refused(jar()).startsWith("Cannot write " + cache));
    }

    @Test
    void saysWhenTheMirrorIsNoAddress() {
        for (String address : List.of("", "repo.example", "ftp://repo.example/maven2", "http://a b")) {
            String message = assertThrows(FramecastException.class,
                    () -> LibraryJar.of(artifact(), Map.of("FRAMECAST_MAVEN_REPOSITORY", address),
                            FetchListener.NONE)).getMessage();
            assertTrue(message.startsWith("FRAMECAST_MAVEN_REPOSITORY is \"" + address + "\""), message);
        }
    }
}
