package io.framecast.tools.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalLong;

/** The kernel's figures of this process's memory. */
final class ProcessMemory {

    private static final String PEAK = "VmHWM:";

    private ProcessMemory() {
    }

    /** Resets {@link #peak} to the present resident memory, if the kernel allows that. */
    static void resetPeak() {
        try {
            Files.writeString(Path.of("/proc/self/clear_refs"), "5");
        } catch (IOException e) {
            // Then the peak is that since the start of the process, which is an upper bound.
        }
    }

    /** The peak resident memory in bytes, if the kernel reports it. */
    static OptionalLong peak() {
        try {
            return Files.readAllLines(Path.of("/proc/self/status")).stream().filter(line -> line.startsWith(PEAK))
                    .mapToLong(line -> 1024 * Long.parseLong(line.substring(PEAK.length()).replace("kB", "").strip()))
                    .findFirst();
        } catch (IOException e) {
            return OptionalLong.empty();
        }
    }
}
