package io.framecast.tools.check.stage;

import io.framecast.backend.ProcessGroup;
import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;

/**
 * Three processes in one, for ops over several: the second has the very values of this one, and the third only zeros,
 * as one whose videos are padding. So statistics are those of this process's values, and sums are twice as large.
 */
public final class EchoGroup implements ProcessGroup {

    private static final int SIZE = 3;

    @Override
    public int rank() {
        return 0;
    }

    @Override
    public int size() {
        return SIZE;
    }

    @Override
    public int localRank() {
        return 0;
    }

    /** The others are on other machines, as it were: they need no GPU here. */
    @Override
    public int localSize() {
        return 1;
    }

    @Override
    public double[] allGather(double... values) {
        double[] all = Arrays.copyOf(values, SIZE * values.length);
        System.arraycopy(values, 0, all, values.length, values.length);
        return all;
    }

    @Override
    public List<byte[]> gather(byte[] bytes) {
        return Collections.nCopies(SIZE, bytes);
    }

    @Override
    public byte[] broadcast(byte[] bytes) {
        return bytes;
    }

    @Override
    public void allReduce(FloatBuffer values) {
        for (int k = 0; k < values.capacity(); k++) {
            values.put(k, 2 * values.get(k));
        }
    }

    /** There is nobody to tell. */
    @Override
    public boolean fail(String sentence) {
        return false;
    }

    @Override
    public void close() {
        // The others are not there.
    }
}
