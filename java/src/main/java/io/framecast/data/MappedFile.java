package io.framecast.data;

import java.io.IOException;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;

/**
 * A file of any size in memory, read-only. It is mapped in chunks, because one buffer ends at 2 GiB. The
 * mapping outlives the channel, and goes when the garbage collector takes this object.
 */
final class MappedFile {

    private final MappedByteBuffer[] chunks;
    private final int chunkSize;

    MappedFile(FileChannel channel, int chunkSize) throws IOException {
        long size = channel.size();
        this.chunkSize = chunkSize;
        this.chunks = new MappedByteBuffer[Math.toIntExact((size + chunkSize - 1) / chunkSize)];
        for (int i = 0; i < chunks.length; i++) {
            long from = (long) i * chunkSize;
            chunks[i] = channel.map(MapMode.READ_ONLY, from, Math.min(chunkSize, size - from));
        }
    }

    /** Copies the bytes from {@code position} on until {@code into} is full. */
    void read(long position, byte[] into) {
        int done = 0;
        while (done < into.length) {
            int chunk = (int) ((position + done) / chunkSize);
            int offset = (int) ((position + done) % chunkSize);
            int length = Math.min(into.length - done, chunkSize - offset);
            chunks[chunk].get(offset, into, done, length);
            done += length;
        }
    }
}
