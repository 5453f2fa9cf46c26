package io.framecast.system;

import io.framecast.FramecastException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * How many threads this process may use, and whether the native code runs on this processor: without the instructions
 * that it was compiled for, the JVM would crash.
 */
public final class Processor {

    private Processor() {
    }

    /**
     * The default number of threads: as many as this process can keep busy. The JVM knows the processors that it is
     * bound to (taskset) and the limit of its control group (a container's CPU limit). OpenMP and the C++ library know
     * the former only, so they are given this number.
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
            // Unknown: assume a processor of the last ten years.
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
