package io.framecast.tools;

import com.fasterxml.jackson.databind.JsonNode;
import io.framecast.backend.Backend;
import io.framecast.tools.distributed.Processes;
import io.framecast.tools.option.DeviceOptions;
import java.util.Map;

/**
 * What computes the steps of a run. The roundings of its results depend on it, and a run may go on with another.
 *
 * @param threads of each process
 * @param device null where an earlier version did not note it
 * @param processes how many there are
 */
record Computation(int threads, String device, int processes) {

    private static final String THREADS = "threads";
    private static final String DEVICE = "device";
    private static final String PROCESSES = "processes";

    /** What has computed the last steps of a run, by its config. */
    static Computation of(JsonNode config) {
        return new Computation(config.path("options").path(THREADS).asInt(), config.path(DEVICE).asText(null),
                config.path(PROCESSES).asInt(1));
    }

    /** What these options have opened. */
    static Computation of(DeviceOptions options, Backend backend) {
        return new Computation(backend.threads().orElse(options.threads), options.describe(backend),
                Processes.group().size());
    }

    /** Enters it into a run's config and its options. */
    void describe(Map<String, Object> config, Map<String, Object> options) {
        options.put(THREADS, threads);
        if (device != null) {
            config.put(DEVICE, device);
        }
        if (processes > 1) {
            config.put(PROCESSES, processes);
        }
    }
}
