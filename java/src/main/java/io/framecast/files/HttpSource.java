package io.framecast.files;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.net.http.HttpTimeoutException;
import java.time.Duration;
import java.util.OptionalLong;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A file on a web server, read from any offset. A request is one try. The request and the stream it returns throw a
 * {@link TransientException} if another try may succeed, else another {@link IOException}. The messages complete a
 * sentence: "cannot read ...: ".
 */
public final class HttpSource {

    private static final Pattern CONTENT_RANGE = Pattern.compile("bytes (\\d+)-\\d+/(\\d+|\\*)");

    /** A failure after which another try may succeed. */
    public static final class TransientException extends IOException {

        private static final long serialVersionUID = 1;

        public TransientException(String message, Throwable cause) {
            super(message, cause);
        }
    }

    /**
     * The server's response; it must be closed.
     *
     * @param status 200: the whole file, even if a range was asked for; 206: a part of it; 416: no body, since the file
     *        is shorter than the range's start
     * @param first the offset of the body's first byte in the file
     * @param size the size of the whole file in bytes, if the server gives it
     */
    public record Answer(int status, long first, OptionalLong size, InputStream body) implements AutoCloseable {

        @Override
        public void close() throws IOException {
            body.close();
        }
    }

    private final URI address;
    private final Duration patience;
    private final HttpClient client;

    /** @param patience how long the server may be silent: before it answers, and between two bytes */
    public HttpSource(URI address, Duration patience) {
        this.address = address;
        this.patience = patience;
        this.client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1)
                .followRedirects(HttpClient.Redirect.NORMAL).connectTimeout(patience).build();
    }

    /** Requests all bytes from {@code first} on. From 0 on, this is a request without a range. */
    public Answer get(long first) throws IOException {
        return send(first == 0 ? null : "bytes=" + first + "-");
    }

    /** Requests the bytes {@code first} to {@code last}, both inclusive. */
    public Answer get(long first, long last) throws IOException {
        return send("bytes=" + first + "-" + last);
    }

    private Answer send(String range) throws IOException {
        HttpRequest.Builder request = HttpRequest.newBuilder(address).timeout(patience);
        if (range != null) {
            request.header("Range", range);
        }
        HttpResponse<InputStream> response;
        try {
            response = client.send(request.build(), BodyHandlers.ofInputStream());
        } catch (InterruptedException e) {
            throw interrupted(e);
        } catch (HttpTimeoutException e) {
            throw new TransientException("the server was silent for too long", e);
        } catch (ConnectException e) {
            throw new TransientException("no connection to the server", e);
        } catch (IOException e) {
            throw new TransientException("the connection was cut", e);
        }
        try {
            return answer(response);
        } catch (IOException | RuntimeException e) {
            response.body().close();
            throw e;
        }
    }

    private Answer answer(HttpResponse<InputStream> response) throws IOException {
        int status = response.statusCode();
        if (status == 200) {
            return new Answer(status, 0, response.headers().firstValueAsLong("Content-Length"), body(response));
        }
        if (status == 416) {
            return new Answer(status, 0, OptionalLong.empty(), body(response));
        }
        if (status == 206) {
            Matcher range = CONTENT_RANGE.matcher(response.headers().firstValue("Content-Range").orElse(""));
            if (!range.matches()) {
                throw new TransientException("the server sent a part without saying which", null);
            }
            OptionalLong size = range.group(2).equals("*") ? OptionalLong.empty()
                    : OptionalLong.of(Long.parseLong(range.group(2)));
            return new Answer(status, Long.parseLong(range.group(1)), size, body(response));
        }
        String answered = "the server answered " + status;
        throw status == 408 || status == 429 || status >= 500 ? new TransientException(answered, null)
                : new IOException(answered + (status == 404 ? " (not found)" : ""));
    }

    private InputStream body(HttpResponse<InputStream> response) {
        return new WatchedBody(response.body(), patience);
    }

    /** Sleeps, for example before another try. */
    public static void pause(Duration time) throws IOException {
        try {
            Thread.sleep(time.toMillis());
        } catch (InterruptedException e) {
            throw interrupted(e);
        }
    }

    private static IOException interrupted(InterruptedException e) {
        Thread.currentThread().interrupt();
        return new IOException("it was interrupted", e);
    }

    /** A body with a read timeout, after which it is closed: the timeout of the request covers only the headers. */
    private static final class WatchedBody extends FilterInputStream {

        private final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor(work -> {
            Thread thread = new Thread(work, "framecast-http");
            thread.setDaemon(true);
            return thread;
        });
        private volatile long lastRead = System.nanoTime();

        WatchedBody(InputStream body, Duration patience) {
            super(body);
            long period = patience.toMillis() / 4 + 1;
            timer.scheduleWithFixedDelay(() -> {
                if (System.nanoTime() - lastRead > patience.toNanos()) {
                    try {
                        body.close();
                    } catch (IOException e) {
                        // The reading thread gets the exception, too.
                    }
                }
            }, period, period, TimeUnit.MILLISECONDS);
        }

        @Override
        public int read() throws IOException {
            byte[] one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
        }

        @Override
        public int read(byte[] to, int offset, int length) throws IOException {
            try {
                int count = super.read(to, offset, length);
                lastRead = System.nanoTime();
                return count;
            } catch (IOException e) { // HttpClient's own message is "closed".
                throw new TransientException("the connection was cut, or nothing came for too long", e);
            }
        }

        @Override
        public void close() throws IOException {
            timer.shutdownNow();
            super.close();
        }
    }
}
