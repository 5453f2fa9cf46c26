package io.framecast.backend;

import java.nio.FloatBuffer;
import java.util.List;

/** See {@link ProcessGroup#SINGLE}. */
final class SingleProcess implements ProcessGroup {

    @Override
    public int rank() {
        return 0;
    }

    @Override
    public int size() {
        return 1;
    }

    @Override
    public int localRank() {
        return 0;
    }

    @Override
    public int localSize() {
        return 1;
    }

    @Override
    public double[] allGather(double... values) {
        return values.clone();
    }

    @Override
    public List<byte[]> gather(byte[] bytes) {
        return List.of(bytes);
    }

    @Override
    public byte[] broadcast(byte[] bytes) {
        return bytes;
    }

    @Override
    public void allReduce(FloatBuffer values) {
        // The sum of one.
    }

    @Override
    public boolean fail(String sentence) {
        return false;
    }

    @Override
    public void close() {
        // There is nobody to leave.
    }
}
