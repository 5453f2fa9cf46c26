package io.framecast.tools.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalLong;

/** What Linux keeps of this process's memory. */
final class ProcessMemory {

    private static final String PEAK = "VmHWM:";

    private ProcessMemory() {
    }

    /** Begins {@link #peak} anew from what is resident now, where the kernel allows it. */
    static void resetPeak() {
        try {
            Files.writeString(Path.of("/proc/self/clear_refs"), "5");
        } catch (IOException e) {
            // Then the peak is that of the whole life of the process, which is not less.
        }
    }

    /** The most bytes of memory that were resident at once, where the kernel says so. */
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
