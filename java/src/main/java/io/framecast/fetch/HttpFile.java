package io.framecast.fetch;

import io.framecast.files.HttpSource;
import io.framecast.files.HttpSource.TransientException;
import java.io.IOException;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.channels.NonWritableChannelException;
import java.nio.channels.SeekableByteChannel;
import java.time.Duration;

/**
 * A file on a web server as a channel. Only the blocks that are read are fetched, by range requests, and the last block
 * is kept. The messages of its {@link IOException}s complete a sentence: "cannot read ...: ".
 */
final class HttpFile implements SeekableByteChannel {

    static final int BLOCK = 1 << 20;

    private static final int TRIES = 4;

    private final HttpSource source;
    private final Duration pause;
    private final long size;
    private long position;
    private byte[] block;
    private long blockStart;
    private boolean open = true;

    /**
     * @param patience how long the server may be silent
     * @param pause before the second try; the pause before a third is twice as long, and so on
     * @throws IOException if the server cannot be reached, has no such file, or ignores range requests
     */
    HttpFile(URI source, Duration patience, Duration pause) throws IOException {
        this.source = new HttpSource(source, patience);
        this.pause = pause;
        this.size = fetch(0, 0).size;
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

    /** @param size of the whole file */
    private record Part(byte[] bytes, long size) {
    }

    /** The bytes from {@code first} to {@code last}, both included. */
    private Part fetch(long first, long last) throws IOException {
        for (int attempt = 1; ; attempt++) {
            try {
                return tryToFetch(first, last);
            } catch (TransientException e) {
                if (attempt == TRIES) {
                    throw e;
                }
                HttpSource.pause(pause.multipliedBy(attempt));
            }
        }
    }

    private Part tryToFetch(long first, long last) throws IOException {
        int count = (int) (last - first + 1);
        try (HttpSource.Answer answer = source.get(first, last)) {
            if (answer.status() == 200) {
                throw new IOException("the server gives files only as a whole (it ignores range requests)");
            }
            byte[] bytes = answer.first() == first ? answer.body().readNBytes(count + 1) : new byte[0];
            if (answer.status() != 206 || bytes.length != count) {
                throw new TransientException("the server gave other bytes than those asked for", null);
            }
            return new Part(bytes, answer.size().orElseThrow(
                    () -> new IOException("the server does not say how large it is")));
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
