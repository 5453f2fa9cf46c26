package io.framecast.backend.cuda.compiler;

import java.io.IOException;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandler;
import java.net.http.HttpResponse.BodySubscriber;
import java.net.http.HttpResponse.BodySubscribers;
import java.nio.ByteBuffer;
import java.nio.channels.NonWritableChannelException;
import java.nio.channels.SeekableByteChannel;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Flow;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A file on a web server as a channel: only the blocks that are read are fetched, by range requests. Holds the last
 * block. The messages of its {@link IOException}s complete a sentence: "cannot read ...: ".
 */
final class HttpFile implements SeekableByteChannel {

    static final int BLOCK = 1 << 20;

    private static final int TRIES = 4;

    private static final Pattern CONTENT_RANGE = Pattern.compile("bytes (\\d+)-(\\d+)/(\\d+)");

    private final URI source;
    private final Duration patience;
    private final Duration pause;
    private final HttpClient client;
    private final long size;
    private long position;
    private byte[] block;
    private long blockStart;
    private boolean open = true;

    /**
     * @param patience how long a request may take
     * @param pause before the second try; the pause before a third is twice as long, and so on
     * @throws IOException if the server cannot be reached, has no such file, or gives files only as a whole
     */
    HttpFile(URI source, Duration patience, Duration pause) throws IOException {
        this.source = source;
        this.patience = patience;
        this.pause = pause;
        this.client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1)
                .followRedirects(HttpClient.Redirect.NORMAL).connectTimeout(patience).build();
        this.size = Long.parseLong(fetch(0, 0).range.group(3));
    }

    @Override
    public int read(ByteBuffer to) throws IOException {
        if (position >= size) {
            return -1;
        }
        if (block == null || position < blockStart || position >= blockStart + block.length) {
            blockStart = position / BLOCK * BLOCK;
            block = null;
            block = fetch(blockStart, Math.min(blockStart + BLOCK, size) - 1).bytes;
        }
        int from = (int) (position - blockStart);
        int count = Math.min(to.remaining(), block.length - from);
        to.put(block, from, count);
        position += count;
        return count;
    }

    private record Part(Matcher range, byte[] bytes) {
    }

    /** The bytes from {@code first} to {@code last}, both included. */
    private Part fetch(long first, long last) throws IOException {
        for (int attempt = 1; ; attempt++) {
            try {
                return tryToFetch(first, last);
            } catch (PassingException e) {
                if (attempt == TRIES) {
                    throw e;
                }
                sleep(pause.multipliedBy(attempt));
            }
        }
    }

    private Part tryToFetch(long first, long last) throws IOException {
        HttpRequest request = HttpRequest.newBuilder(source).header("Range", "bytes=" + first + "-" + last).build();
        BodyHandler<byte[]> body = info -> info.statusCode() == 206 ? BodySubscribers.ofByteArray() : new Unread();
        HttpResponse<byte[]> response = await(client.sendAsync(request, body));
        int status = response.statusCode();
        if (status == 200) {
            throw new IOException("the server gives files only as a whole (it ignores range requests)");
        }
        if (status == 408 || status == 429 || status >= 500) {
            throw new PassingException("the server answered " + status, null);
        }
        if (status != 206) {
            throw new IOException("the server answered " + status + (status == 404 ? " (not found)" : ""));
        }
        Matcher range = CONTENT_RANGE.matcher(response.headers().firstValue("Content-Range").orElse(""));
        if (!range.matches() || Long.parseLong(range.group(1)) != first || Long.parseLong(range.group(2)) != last
                || response.body().length != last - first + 1) {
            throw new PassingException("the server gave other bytes than those asked for", null);
        }
        return new Part(range, response.body());
    }

    private HttpResponse<byte[]> await(CompletableFuture<HttpResponse<byte[]>> response) throws IOException {
        try {
            return response.get(patience.toMillis(), TimeUnit.MILLISECONDS);
        } catch (ExecutionException e) {
            boolean connected = !(e.getCause() instanceof ConnectException);
            throw new PassingException(connected ? "the connection was cut" : "no connection to the server", e);
        } catch (TimeoutException e) {
            throw new PassingException("the server was silent for too long", e);
        } catch (InterruptedException e) {
            throw interrupted(e);
        } finally {
            response.cancel(true);
        }
    }

    private static void sleep(Duration time) throws IOException {
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

    /** A failure that another try may not meet. */
    private static final class PassingException extends IOException {
        PassingException(String message, Throwable cause) {
            super(message, cause);
        }
    }

    /** Leaves the body of a response where it is. */
    private static final class Unread implements BodySubscriber<byte[]> {
        @Override
        public CompletionStage<byte[]> getBody() {
            return CompletableFuture.completedFuture(new byte[0]);
        }

        @Override
        public void onSubscribe(Flow.Subscription subscription) {
            subscription.cancel();
        }

        @Override
        public void onNext(List<ByteBuffer> bytes) {
        }

        @Override
        public void onError(Throwable problem) {
        }

        @Override
        public void onComplete() {
        }
    }

    @Override
    public long position() {
        return position;
    }

    @Override
    public SeekableByteChannel position(long newPosition) {
        position = newPosition;
        return this;
    }

    @Override
    public long size() {
        return size;
    }

    @Override
    public boolean isOpen() {
        return open;
    }

    @Override
    public void close() {
        open = false;
        block = null;
    }

    @Override
    public int write(ByteBuffer from) {
        throw new NonWritableChannelException();
    }

    @Override
    public SeekableByteChannel truncate(long newSize) {
        throw new NonWritableChannelException();
    }
}
