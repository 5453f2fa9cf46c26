package io.framecast.distributed;

import io.framecast.FramecastException;
import io.framecast.backend.ProcessGroup;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.zip.CRC32C;

/** Whether all processes of a group have the same, by a checksum. */
public final class Agreement {

    private final CRC32C sum = new CRC32C();

    /** Compares nothing yet. */
    public Agreement() {
        // The checksum of nothing.
    }

    /**
     * Adds a text to what is compared.
     *
     * @param text any
     * @return this
     */
    public Agreement add(String text) {
        sum.update(text.getBytes(StandardCharsets.UTF_8));
        return this;
    }

    /**
     * Adds values to what is compared.
     *
     * @param values any; their bits are compared
     * @return this
     */
    public Agreement add(float... values) {
        ByteBuffer bytes = ByteBuffer.allocate(values.length * Float.BYTES);
        bytes.asFloatBuffer().put(values);
        sum.update(bytes);
        return this;
    }

    /**
     * Compares what was added in all processes, which all must call this.
     *
     * @param group the processes
     * @param what is compared, and what a difference means: the end of a sentence that begins with "Process 1"
     * @throws FramecastException in all processes, if one has something else than process 0
     */
    public void require(ProcessGroup group, String what) {
        double[] all = group.allGather(sum.getValue());
        for (int rank = 1; rank < all.length; rank++) {
            if (all[rank] != all[0]) {
                throw new FramecastException("Process " + rank + " " + what);
            }
        }
    }
}
