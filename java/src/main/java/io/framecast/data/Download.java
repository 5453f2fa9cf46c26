package io.framecast.data;

import io.framecast.FramecastException;
import io.framecast.files.AtomicFiles;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.HexFormat;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/**
 * A file on a web server, of known size and MD5. The bytes go to {@code NAME.part} beside the target, which is
 * moved into place when it is whole and right. A cut connection is taken up again where it broke, in this run
 * or in a later one.
 */
public final class Download {

    /** The test set of Srivastava et al.: 10,000 videos, (20, 10000, 64, 64) uint8. */
    public static final Download MOVING_MNIST = new Download(
            URI.create("http://www.cs.toronto.edu/~nitish/unsupervised_video/mnist_test_seq.npy"),
            819_200_080L, "be083ec986bfe91a449d63653c411eb2");

    /** Failures in a row, without a byte gained, after which there is no further try. */
    private static final int TRIES = 5;

    private static final String CUT = "the connection was cut, or nothing came for too long";

    /** Is told how much is there. */
    @FunctionalInterface
    public interface Progress {
        /**
         * A piece has come.
         *
         * @param bytesDone all bytes so far, those of earlier tries included
         * @param bytesTotal the size of the file
         */
        void update(long bytesDone, long bytesTotal);
    }

    private final URI source;
    private final long size;
    private final String md5;
    private final Duration patience;
    private final Duration pause;

    /**
     * A file on a server.
     *
     * @param source its address, http or https
     * @param size in bytes
     * @param md5 in lower-case hexadecimal
     */
    public Download(URI source, long size, String md5) {
        this(source, size, md5, Duration.ofSeconds(30), Duration.ofSeconds(1));
    }

    /**
     * @param patience how long the server may be silent
     * @param pause before the second try; the pause before a third is twice as long, and so on
     */
    Download(URI source, long size, String md5, Duration patience, Duration pause) {
        this.source = source;
        this.size = size;
        this.md5 = md5;
        this.patience = patience;
        this.pause = pause;
    }

    /**
     * Fetches the file, unless it is there already.
     *
     * @param file where it is to be
     * @param progress is told of every piece
     * @return whether anything had to be fetched
     * @throws FramecastException if another file is in the way, the server does not have the file or does not
     *         give it after several tries, the content is wrong, or the disk cannot take it
     */
    public boolean to(Path file, Progress progress) {
        Path target = AtomicFiles.destination(file);
        if (Files.exists(target)) {
            if (sizeOf(target) == size && md5Of(target).equals(md5)) {
                return false;
            }
            throw new FramecastException(file + " is in the way: it is not the file that " + source
                    + " gives; move it away or choose another name.");
        }
        Path part = target.resolveSibling(target.getFileName() + ".part");
        try {
            Files.createDirectories(target.getParent());
        } catch (IOException e) {
            throw AtomicFiles.cannotWrite(file, e);
        }
        requireOwn(part);
        fetch(part, progress);
        requireOwn(part);
        String actual = md5Of(part);
        if (!actual.equals(md5)) {
            delete(part);
            throw new FramecastException("What " + source + " gave is damaged: its MD5 is " + actual + " and should be "
                    + md5 + "; it was deleted, try again.");
        }
        try {
            Files.move(part, target, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            throw AtomicFiles.cannotWrite(file, e);
        }
        return true;
    }

    /**
     * The part has a name that everybody knows, so that a later run finds it: in a directory that others may write to,
     * what is there can be a link that makes this program overwrite what it leads to.
     *
     * @throws FramecastException if there is something that no download of this user has left
     */
    private static void requireOwn(Path part) {
        try {
            if (Files.exists(part, LinkOption.NOFOLLOW_LINKS) && !(Files.isRegularFile(part, LinkOption.NOFOLLOW_LINKS)
                    && (int) Files.getAttribute(part, "unix:nlink", LinkOption.NOFOLLOW_LINKS) == 1
                    && AtomicFiles.isOwn(part))) {
                throw new FramecastException(part + " is in the way: it is not what a download of yours has left; "
                        + "move it away or choose another name.");
            }
        } catch (IOException e) {
            throw AtomicFiles.cannotWrite(part, e);
        }
    }

    /** Tries until the part has its full size. */
    private void fetch(Path part, Progress progress) {
        HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1)
                .followRedirects(HttpClient.Redirect.NORMAL).connectTimeout(patience).build();
        int failures = 0;
        // A server that cannot resume starts anew each time, so bytes alone are no progress: only new ones are.
        long furthest = sizeOf(part);
        while (sizeOf(part) != size) {
            try {
                fetchRest(client, part, progress);
            } catch (IOException e) {
                long now = sizeOf(part);
                failures = now > furthest ? 1 : failures + 1;
                furthest = Math.max(furthest, now);
                if (failures == TRIES) {
                    throw new FramecastException("Cannot download " + source + ": " + reason(e) + "; " + now + " of "
                            + size + " bytes are kept in " + part + ", and the next try goes on from there.", e);
                }
                sleep(pause.multipliedBy(failures));
            }
        }
    }

    /**
     * Appends to the part what it lacks.
     *
     * @throws IOException if the connection failed, so that another try may help
     */
    private void fetchRest(HttpClient client, Path part, Progress progress) throws IOException {
        long have = sizeOf(part);
        if (have > size) {
            delete(part);
            have = 0;
        }
        HttpRequest.Builder request = HttpRequest.newBuilder(source).timeout(patience);
        if (have > 0) {
            request.header("Range", "bytes=" + have + "-");
        }
        HttpResponse<InputStream> response;
        try {
            response = client.send(request.build(), BodyHandlers.ofInputStream());
        } catch (InterruptedException e) {
            throw interrupted(e);
        }
        try (InputStream body = response.body()) {
            long from = firstByte(response, have, part);
            OptionalLong announced = response.headers().firstValueAsLong("Content-Length");
            if (announced.isPresent() && from + announced.getAsLong() != size) {
                throw wrongSize(String.valueOf(from + announced.getAsLong()));
            }
            append(body, part, from, progress);
        }
    }

    /** The position in the file of the first byte of a response. */
    private long firstByte(HttpResponse<?> response, long have, Path part) throws IOException {
        int status = response.statusCode();
        String range = response.headers().firstValue("Content-Range").orElse("");
        if (status == 200) {
            return 0;
        }
        if (status == 206 && range.startsWith("bytes " + have + "-")) {
            return have;
        }
        if (status == 206 || status == 416) {
            delete(part);
            throw new IOException("the server answered " + status + " to a request to go on from byte " + have);
        }
        if (status == 408 || status == 429 || status >= 500) {
            throw new IOException("the server answered " + status);
        }
        throw new FramecastException("Cannot download " + source + ": the server answered " + status
                + (status == 404 ? " (not found)" : "") + "; check the address.");
    }

    private void append(InputStream body, Path part, long from, Progress progress) throws IOException {
        try (Output out = new Output(part, from); Watchdog watchdog = new Watchdog(body)) {
            long done = from;
            byte[] buffer = new byte[1 << 16];
            for (int n = read(body, buffer); n >= 0; n = read(body, buffer)) {
                watchdog.lastRead = System.nanoTime();
                done += n;
                if (done > size) {
                    delete(part);
                    throw wrongSize("more than " + size);
                }
                out.write(buffer, n);
                progress.update(done, size);
            }
            if (done < size) {
                throw new EOFException(CUT);
            }
            out.force();
        }
    }

    private static int read(InputStream body, byte[] buffer) throws IOException {
        try {
            return body.read(buffer);
        } catch (IOException e) {
            throw new IOException(CUT, e); // HttpClient's own message is "closed".
        }
    }

    private FramecastException wrongSize(String actual) {
        return new FramecastException(source + " gives another file than expected: it has " + actual
                + " bytes and should have " + size + "; check the address.");
    }

    /** The part, whose failures no further try would mend. */
    private static final class Output implements AutoCloseable {
        private static final Set<OpenOption> BEGIN = Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
        private static final Set<OpenOption> CONTINUE = Set.of(StandardOpenOption.WRITE, LinkOption.NOFOLLOW_LINKS);

        private final Path part;
        private final FileChannel channel;

        Output(Path part, long from) {
            this.part = part;
            requireOwn(part);
            try {
                channel = FileChannel.open(part, Files.exists(part, LinkOption.NOFOLLOW_LINKS) ? CONTINUE : BEGIN);
                channel.truncate(from).position(from);
            } catch (IOException e) {
                throw AtomicFiles.cannotWrite(part, e);
            }
        }

        void write(byte[] bytes, int length) {
            try {
                for (ByteBuffer rest = ByteBuffer.wrap(bytes, 0, length); rest.hasRemaining(); ) {
                    channel.write(rest);
                }
            } catch (IOException e) {
                throw AtomicFiles.cannotWrite(part, e);
            }
        }

        void force() {
            try {
                channel.force(true);
            } catch (IOException e) {
                throw AtomicFiles.cannotWrite(part, e);
            }
        }

        @Override
        public void close() {
            try {
                channel.close();
            } catch (IOException e) {
                throw AtomicFiles.cannotWrite(part, e);
            }
        }
    }

    /** Closes a stream on which nothing comes any more; HttpClient's own timeout ends with the headers. */
    private final class Watchdog implements AutoCloseable {
        private final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor(work -> {
            Thread thread = new Thread(work, "framecast-download");
            thread.setDaemon(true);
            return thread;
        });
        private volatile long lastRead = System.nanoTime();

        Watchdog(InputStream body) {
            long period = patience.toMillis() / 4 + 1;
            timer.scheduleWithFixedDelay(() -> {
                if (System.nanoTime() - lastRead > patience.toNanos()) {
                    try {
                        body.close();
                    } catch (IOException e) {
                        // The reader learns of it by itself.
                    }
                }
            }, period, period, TimeUnit.MILLISECONDS);
        }

        @Override
        public void close() {
            timer.shutdownNow();
        }
    }

    private static long sizeOf(Path file) {
        try {
            return Files.exists(file) ? Files.size(file) : 0;
        } catch (IOException e) {
            throw new FramecastException("Cannot read " + file + ": " + e.getMessage() + ".", e);
        }
    }

    private static String md5Of(Path file) {
        try (InputStream bytes = Files.newInputStream(file);
                DigestInputStream in = new DigestInputStream(bytes, MessageDigest.getInstance("MD5"))) {
            byte[] buffer = new byte[1 << 16];
            while (in.read(buffer) >= 0) {
                // Reading is what feeds the digest.
            }
            return HexFormat.of().formatHex(in.getMessageDigest().digest());
        } catch (IOException e) {
            throw new FramecastException("Cannot read " + file + ": " + e.getMessage() + ".", e);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has MD5", e);
        }
    }

    private static void delete(Path part) {
        try {
            Files.deleteIfExists(part);
        } catch (IOException e) {
            throw AtomicFiles.cannotWrite(part, e);
        }
    }

    private static String reason(IOException e) {
        if (e instanceof ConnectException) {
            return "no connection to the server";
        }
        return e.getMessage() != null ? e.getMessage() : e.getClass().getSimpleName();
    }

    private void sleep(Duration time) {
        try {
            Thread.sleep(time.toMillis());
        } catch (InterruptedException e) {
            throw interrupted(e);
        }
    }

    private FramecastException interrupted(InterruptedException e) {
        Thread.currentThread().interrupt();
        return new FramecastException("The download of " + source
                + " was interrupted; the next try goes on from there.", e);
    }
}
