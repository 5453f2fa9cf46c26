package io.framecast.train;

import io.framecast.FramecastException;
import io.framecast.backend.ProcessGroup;
import io.framecast.nn.HostTensor;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.zip.CRC32C;

/** Whether all processes of a group have the same, by a checksum. */
final class Agreement {

    private final CRC32C sum = new CRC32C();

    Agreement add(String text) {
        sum.update(text.getBytes(StandardCharsets.UTF_8));
        return this;
    }

    Agreement add(float... values) {
        ByteBuffer bytes = ByteBuffer.allocate(values.length * Float.BYTES);
        bytes.asFloatBuffer().put(values);
        sum.update(bytes);
        return this;
    }

    Agreement add(Map<String, HostTensor> parameters) {
        parameters.forEach((name, tensor) -> add(name).add(tensor.values()));
        return this;
    }

    /**
     * Compares what was added in all processes.
     *
     * @param what is compared, and what a difference means: the end of a sentence that begins with "Process 1"
     * @throws FramecastException in all processes, if one has something else than process 0
     */
    void require(ProcessGroup group, String what) {
        double[] all = group.allGather(sum.getValue());
        for (int rank = 1; rank < all.length; rank++) {
            if (all[rank] != all[0]) {
                throw new FramecastException("Process " + rank + " " + what);
            }
        }
    }
}
