package io.framecast.backend.cuda.launch;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.framecast.backend.TestDevice;
import io.framecast.softgpu.SoftGpu;
import java.io.IOException;
import java.io.UncheckedIOException;
import org.junit.jupiter.api.Assumptions;

/** The software device's counters of a kernel's launches in this test. On a GPU, tests that use them are skipped. */
public record KernelCounters(JsonNode counters) {

    public static KernelCounters of(KernelDevice device, String kernel) {
        Assumptions.assumeTrue(TestDevice.SOFTWARE);
        device.get().synchronize();
        try {
            for (JsonNode counters : new ObjectMapper().readTree(SoftGpu.countersJson()).get("kernels")) {
                if (counters.get("name").textValue().equals(kernel)) {
                    return new KernelCounters(counters);
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        throw new AssertionError(kernel + " was not launched");
    }

    /** Sectors of 32 bytes of device memory, read and written. */
    public long sectors() {
        return counters.get("global_loads").get("sectors").longValue()
                + counters.get("global_stores").get("sectors").longValue();
    }

    /** The fraction of the bytes of these sectors that was requested. */
    public double efficiency() {
        long asked = counters.get("global_loads").get("bytes").longValue()
                + counters.get("global_stores").get("bytes").longValue();
        return asked / (32.0 * sectors());
    }

    /** Instructions of all threads, as if all lanes of a warp ran each instruction. */
    public long instructions() {
        return 32 * counters.get("warp_instructions").longValue();
    }

    /** Passes over the banks of shared memory beyond those that the bytes need. */
    public long conflicts() {
        return counters.get("shared").get("conflicts").longValue();
    }
}
