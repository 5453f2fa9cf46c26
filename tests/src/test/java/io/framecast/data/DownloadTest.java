package io.framecast.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.framecast.FramecastException;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(30)
class DownloadTest {

    /** Answers one request; {@code from} is the start of the requested Range, or -1 without a Range. */
    private interface Answer {
        void to(long from, OutputStream out) throws Exception;
    }

    private static final int SIZE = 300_000;
    private static final Duration PATIENCE = Duration.ofSeconds(15);

    private final byte[] content = new byte[SIZE];
    private final List<Long> requests = Collections.synchronizedList(new ArrayList<>());
    private volatile Answer answer;
    private ServerSocket server;
    private Path target;
    private Path part;
    private Download download;

    /** A plain socket, because an HTTP server cannot cut a connection in the middle of a response. */
    @BeforeEach
    void serve(@TempDir Path directory) throws Exception {
        new Random(1).nextBytes(content);
        target = directory.resolve("new/videos.npy");
        part = directory.resolve("new/videos.npy.part");
        server = new ServerSocket(0, 10, InetAddress.getLoopbackAddress());
        download = download(md5(), PATIENCE);
        start(() -> {
            while (!server.isClosed()) {
                try {
                    Socket socket = server.accept();
                    start(() -> serve(socket));
                } catch (IOException e) {
                    // The test is over.
                }
            }
        });
    }

    private byte[] md5() throws Exception {
        return MessageDigest.getInstance("MD5").digest(content);
    }

    private static void start(Runnable work) {
        Thread thread = new Thread(work);
        thread.setDaemon(true);
        thread.start();
    }

    private void serve(Socket connection) {
        try (Socket socket = connection) {
            BufferedReader in = new BufferedReader(
                    new InputStreamReader(socket.getInputStream(), StandardCharsets.US_ASCII));
            long from = -1;
            for (String line = in.readLine(); line != null && !line.isEmpty(); line = in.readLine()) {
                if (line.startsWith("Range: bytes=")) {
                    from = Long.parseLong(line.substring("Range: bytes=".length(), line.length() - 1));
                }
            }
            requests.add(from);
            answer.to(from, socket.getOutputStream());
        } catch (Exception e) {
            // The client closed the connection.
        }
    }

    @AfterEach
    void stop() throws IOException {
        server.close();
    }

    private Download download(byte[] md5, Duration patience) {
        return new Download(URI.create("http://127.0.0.1:" + server.getLocalPort() + "/videos.npy"), SIZE,
                HexFormat.of().formatHex(md5), patience, Duration.ofMillis(5));
    }

    @Test
    void aCutDownloadGoesOnWhereItBroke() throws Exception {
        // More interruptions than tries: those after which some bytes had arrived do not count.
        answer = (from, out) -> serve(out, Math.max(0, from), (int) Math.min(SIZE, Math.max(0, from) + 40_000));
        List<Long> progress = new ArrayList<>();
        assertTrue(download.to(target, (done, total) -> {
            assertEquals(SIZE, total);
            progress.add(done);
        }));
        assertArrayEquals(content, Files.readAllBytes(target));
        assertFalse(Files.exists(part));
        assertEquals(List.of(-1L, 40_000L, 80_000L, 120_000L, 160_000L, 200_000L, 240_000L, 280_000L), requests);
        assertEquals(progress.stream().sorted().toList(), progress);
        assertEquals(SIZE, progress.get(progress.size() - 1));
    }

    @Test
    void aLaterRunGoesOnFromThePartOfAnEarlierOne() throws Exception {
        answer = (from, out) -> serve(out, Math.max(0, from), 100_000);
        String message = refused();
        assertTrue(message.contains("100000 of 300000 bytes are kept in " + part), message);
        assertEquals(5, requests.size(), "a few tries");
        assertFalse(Files.exists(target));
        requests.clear();
        answer = (from, out) -> serve(out, Math.max(0, from), SIZE);
        assertTrue(download.to(target, (done, total) -> { }));
        assertEquals(List.of(100_000L), requests);
        assertArrayEquals(content, Files.readAllBytes(target));
    }

    @Test
    void aServerThatIgnoresRangeStartsAnew() throws Exception {
        answer = (from, out) -> serve(out, 0, from < 0 ? 100_000 : SIZE);
        assertTrue(download.to(target, (done, total) -> { }));
        assertEquals(List.of(-1L, 100_000L), requests);
        assertArrayEquals(content, Files.readAllBytes(target));
    }

    @Test
    void aServerThatIgnoresRangeAndAlwaysCutsIsGivenUp() {
        answer = (from, out) -> serve(out, 0, 100_000);
        assertTrue(refused().contains("Cannot download http://127.0.0.1"));
        assertFalse(Files.exists(target));
    }

    @Test
    void aServerThatRefusesToResumeIsAskedForTheWhole() throws Exception {
        Files.createDirectories(part.getParent());
        Files.write(part, Arrays.copyOf(content, 5));
        answer = (from, out) -> {
            if (from < 0) {
                serve(out, 0, SIZE);
            } else {
                out.write("HTTP/1.1 416 Range Not Satisfiable\r\nContent-Length: 0\r\n\r\n".getBytes());
            }
        };
        assertTrue(download.to(target, (done, total) -> { }));
        assertEquals(List.of(5L, -1L), requests);
    }

    @Test
    void aSilentServerIsLeftAfterAWhile() throws Exception {
        download = download(md5(), Duration.ofMillis(500));
        answer = (from, out) -> {
            if (from < 0) {
                out.write(("HTTP/1.1 200 OK\r\nContent-Length: " + SIZE + "\r\n\r\n").getBytes());
                out.write(content, 0, 1000);
                out.flush();
                Thread.sleep(60_000);
            } else {
                serve(out, from, SIZE);
            }
        };
        assertTrue(download.to(target, (done, total) -> { }));
        assertEquals(1000L, requests.get(requests.size() - 1));
        assertArrayEquals(content, Files.readAllBytes(target));
    }

    @Test
    void aPassingServerErrorIsTriedAgain() {
        answer = (from, out) -> {
            if (requests.size() < 3) {
                out.write("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n".getBytes());
            } else {
                serve(out, 0, SIZE);
            }
        };
        assertTrue(download.to(target, (done, total) -> { }));
        assertEquals(3, requests.size());
    }

    @Test
    void aWrongChecksumIsSaidAndNothingIsKept() throws Exception {
        answer = (from, out) -> serve(out, 0, SIZE);
        download = download(new byte[16], PATIENCE);
        String message = refused();
        assertTrue(message.contains("its MD5 is ") && message.contains("00000000000000000000000000000000"), message);
        try (var left = Files.list(target.getParent())) {
            assertEquals(0, left.count());
        }
    }

    @Test
    void aWrongSizeIsSaidBeforeTheContentIsFetched() {
        answer = (from, out) -> {
            out.write(("HTTP/1.1 200 OK\r\nContent-Length: 12345\r\n\r\n").getBytes());
            Thread.sleep(60_000);
        };
        assertTrue(refused().contains("12345"));
        assertEquals(1, requests.size());
    }

    @Test
    void aMissingFileIsSaidAtOnce() {
        answer = (from, out) -> out.write("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".getBytes());
        assertTrue(refused().contains("the server answered 404 (not found)"));
        assertEquals(1, requests.size());
    }

    @Test
    void aFileThatIsThereIsNotFetchedAndAnotherOneNotOverwritten() throws Exception {
        Files.createDirectories(target.getParent());
        Files.write(target, content);
        assertFalse(download.to(target, (done, total) -> { }));
        byte[] other = content.clone();
        other[7]++;
        Files.write(target, other);
        assertTrue(refused().contains("in the way"));
        assertArrayEquals(other, Files.readAllBytes(target));
        assertEquals(0, requests.size());
    }

    /** The name of the unfinished file can be predicted, and other users may write to a directory such as /tmp. */
    @Test
    void whatOthersPutInThePartsPlaceIsNotWrittenThrough() throws Exception {
        Path precious = Files.writeString(Files.createDirectories(target.getParent()).resolve("precious"), "precious");
        answer = (from, out) -> serve(out, Math.max(0, from), SIZE);
        Files.createSymbolicLink(part, precious);
        assertTrue(refused().startsWith(part + " is in the way"));
        Files.delete(part);
        Files.createLink(part, precious);
        assertTrue(refused().startsWith(part + " is in the way"));
        Files.delete(part);
        Files.createSymbolicLink(part, target.resolveSibling("nothing"));
        assertTrue(refused().startsWith(part + " is in the way"));
        Files.delete(part);
        Files.createDirectory(part);
        assertTrue(refused().startsWith(part + " is in the way"));
        Files.delete(part);
        assertEquals(0, requests.size());
        assertEquals("precious", Files.readString(precious));
        // Created between two tries, while the server works.
        answer = (from, out) -> {
            if (!Files.exists(part)) {
                Files.createSymbolicLink(part, precious);
            }
            out.write("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n".getBytes());
            answer = (next, o) -> serve(o, Math.max(0, next), SIZE);
        };
        assertTrue(refused().startsWith(part + " is in the way"));
        assertEquals("precious", Files.readString(precious));
    }

    @Test
    void aFileOfSomebodyElseIsNoPart() throws Exception {
        Files.createDirectories(part.getParent());
        Files.write(part, Arrays.copyOf(content, 5));
        try {
            Files.setAttribute(part, "unix:uid", (int) Files.getAttribute(part, "unix:uid") + 1);
        } catch (IOException e) {
            assumeTrue(false, "only root can give files away");
        }
        answer = (from, out) -> serve(out, Math.max(0, from), SIZE);
        assertTrue(refused().startsWith(part + " is in the way"));
        assertEquals(5, Files.size(part));
    }

    @Test
    void aSymbolicLinkAsTheTargetStays() throws Exception {
        Path elsewhere = target.resolveSibling("elsewhere/videos.npy");
        Files.createDirectories(target.getParent());
        Files.createSymbolicLink(target, elsewhere);
        part = elsewhere.resolveSibling("videos.npy.part");
        answer = (from, out) -> serve(out, Math.max(0, from), SIZE);
        assertTrue(download.to(target, (done, total) -> { }));
        assertTrue(Files.isSymbolicLink(target));
        assertArrayEquals(content, Files.readAllBytes(elsewhere));
        assertFalse(download.to(target, (done, total) -> { }));
    }

    @Test
    void aPlaceThatCannotBeWrittenIsSaid() throws Exception {
        Files.write(target.getParent(), new byte[1]); // a file instead of the directory
        answer = (from, out) -> serve(out, 0, SIZE);
        assertTrue(refused().startsWith("Cannot write " + target));
    }

    @Test
    void noServerIsSaid() throws Exception {
        server.close();
        assertTrue(refused().contains("no connection to the server"));
    }

    private String refused() {
        String message = assertThrows(FramecastException.class, () -> download.to(target, (done, total) -> { }))
                .getMessage();
        assertTrue(message.endsWith(".") && !message.contains("\n"), message);
        return message;
    }

    /**
     * Announces everything from {@code from} on, and cuts the connection after byte {@code end}, once the client has
     * received it: bytes in transit when a connection breaks may be lost.
     */
    private void serve(OutputStream out, long from, int end) throws Exception {
        String status = from == 0 ? "200 OK" : "206 Partial Content\r\nContent-Range: bytes " + from + "-" + (SIZE - 1)
                + "/" + SIZE;
        out.write(("HTTP/1.1 " + status + "\r\nContent-Length: " + (SIZE - from) + "\r\n\r\n").getBytes());
        out.write(content, (int) from, end - (int) from);
        out.flush();
        for (int i = 0; i < 1000 && end < SIZE && (!Files.exists(part) || Files.size(part) < end); i++) {
            Thread.sleep(5);
        }
    }
}
