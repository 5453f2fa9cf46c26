package io.framecast.backend.cpu;

import io.framecast.FramecastException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** How many processors there are to compute with, and whether native code can: it would end the JVM where it cannot. */
public final class Processor {

    private Processor() {
    }

    /**
     * How many threads compute where nobody says how many: as many as this process may keep busy. The JVM knows, from
     * the processors it is bound to (taskset) and the share that its control group has (a container's CPU limit);
     * OpenMP and the C++ library know the first only. So every library that makes threads is told this number.
     */
    public static int threads() {
        return Runtime.getRuntime().availableProcessors();
    }

    /** @throws FramecastException unless this is Linux on an x86-64 processor with AVX2 and FMA */
    public static void requireSupported() {
        String system = System.getProperty("os.name") + " on " + System.getProperty("os.arch");
        if (!system.equals("Linux on amd64")) {
            throw new FramecastException("Framecast's native code is built for Linux on x86-64, and this is "
                    + system + ".");
        }
        try {
            requireFlags(Files.readAllLines(Path.of("/proc/cpuinfo")));
        } catch (IOException e) {
            // Where the kernel does not say, assume a processor of the last ten years.
        }
    }

    static void requireFlags(List<String> cpuinfo) {
        for (String line : cpuinfo) {
            if (line.startsWith("flags")) {
                Set<String> flags = new HashSet<>(List.of(line.substring(line.indexOf(':') + 1).trim().split("\\s+")));
                if (!flags.containsAll(List.of("avx2", "fma"))) {
                    throw new FramecastException("This processor has no AVX2, which Framecast's native code needs; "
                            + "use a machine with an x86-64 processor of 2013 or later.");
                }
                return;
            }
        }
    }
}
