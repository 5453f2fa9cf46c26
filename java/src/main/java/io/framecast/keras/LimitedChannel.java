package io.framecast.keras;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.NonWritableChannelException;
import java.nio.channels.SeekableByteChannel;

/**
 * Reads bytes from memory, but only so much in all as reading a file needs. Addresses in a damaged file may lead in
 * circles, or to the same place on very many ways.
 */
final class LimitedChannel implements SeekableByteChannel {

    /** What a call counts as at least: it costs time even if it reads one byte. */
    private static final int CALL = 64;

    /** How often each byte may be read, and what may be read of the smallest file. */
    private static final int TIMES = 16;
    private static final long LEAST = 1 << 24;

    private final ByteBuffer bytes;
    private long left;
    private boolean open = true;

    LimitedChannel(byte[] bytes) {
        this.bytes = ByteBuffer.wrap(bytes);
        left = LEAST + (long) TIMES * bytes.length;
    }

    @Override
    public int read(ByteBuffer to) throws IOException {
        if (!open) {
            throw new ClosedChannelException();
        }
        int count = to.remaining();
        left -= Math.max(CALL, count);
        // jHDF asks for all that it needs at once, so a part of it is of no use.
        if (left < 0 || count > bytes.remaining()) {
            throw new EOFException("more is read than a file of " + size() + " bytes has or needs");
        }
        to.put(bytes.slice(bytes.position(), count));
        bytes.position(bytes.position() + count);
        return count;
    }

    @Override
    public long position() {
        return bytes.position();
    }

    @Override
    public SeekableByteChannel position(long position) {
        bytes.position((int) Math.min(Math.max(position, 0), bytes.limit()));
        return this;
    }

    @Override
    public long size() {
        return bytes.limit();
    }

    @Override
    public boolean isOpen() {
        return open;
    }

    @Override
    public void close() {
        open = false;
    }

    @Override
    public int write(ByteBuffer from) {
        throw new NonWritableChannelException();
    }

    @Override
    public SeekableByteChannel truncate(long size) {
        throw new NonWritableChannelException();
    }
}
