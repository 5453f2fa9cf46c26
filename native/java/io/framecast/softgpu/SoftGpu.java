package io.framecast.softgpu;

import io.framecast.FramecastException;
import io.framecast.system.JavaCpp;
import java.io.IOException;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.annotation.Cast;
import org.bytedeco.javacpp.annotation.Platform;

/**
 * The software CUDA device of native/softgpu. Once {@link #load loaded}, it is what JCuda finds where it looks for
 * libcuda.so.1, libcublas.so.12 and libcudnn.so.9: CUDA programs then run on the CPU, checked and counted. The other
 * methods control the device beside CUDA's own calls, and load it where that has not been done.
 */
@Platform(value = "linux-x86_64", include = "softgpu.h", library = "jniframecast_softgpu")
public final class SoftGpu {

    /** In the order of loading: the later ones need the first. */
    private static final List<String> LIBRARIES = List.of("libcuda.so.1", "libcublas.so.12", "libcudnn.so.9");

    /** The path of a mapped CUDA driver, at the end of a line of /proc/self/maps. */
    private static final Pattern DRIVER = Pattern.compile("/.*/libcuda\\.so[.0-9]*(?= \\(deleted\\)$|$)");

    private static boolean loaded;

    private SoftGpu() {
    }

    /**
     * Loads the device into this process, for the rest of its life. Must come before the first use of JCuda.
     *
     * @throws FramecastException if that cannot be done
     */
    public static synchronized void load() {
        if (loaded) {
            return;
        }
        loadedDriver().ifPresent(path -> {
            throw new FramecastException("The software CUDA device cannot be used in this process, which already "
                    + "holds the CUDA driver " + path + "; start another one for it.");
        });
        try {
            List<Path> paths = new ArrayList<>();
            for (String library : LIBRARIES) {
                paths.add(pathOf(library));
            }
            paths.forEach(path -> System.load(path.toString()));
        } catch (IOException | UnsatisfiedLinkError e) {
            throw new FramecastException("The software CUDA device cannot be loaded: " + e.getMessage() + ".", e);
        }
        JavaCpp.load(SoftGpu.class);
        // The JVM knows of a container's limit on processors, the C++ library does not.
        require(softgpu_configure("processors=" + Runtime.getRuntime().availableProcessors()));
        loaded = true;
    }

    /** The file of a library: beside this class, or out of its jar. */
    private static Path pathOf(String library) throws IOException {
        URL resource = resource(library);
        if (resource == null) {
            throw new FramecastException("The software CUDA device is not part of this build: it has no " + library
                    + " for " + Loader.getPlatform() + "; it is made for Linux on x86-64.");
        }
        return JavaCpp.unpack(resource);
    }

    private static URL resource(String library) {
        return SoftGpu.class.getResource(Loader.getPlatform() + "/" + library);
    }

    /** Whether the libraries of the software device were built for this platform. It is optional in a build. */
    public static boolean isBuilt() {
        return resource(LIBRARIES.get(0)) != null;
    }

    /** Whether this process holds the software device. */
    public static synchronized boolean isLoaded() {
        return loaded;
    }

    /** The path of the CUDA driver that this process holds, be it software or not. */
    public static Optional<String> loadedDriver() {
        try (var lines = Files.lines(Path.of("/proc/self/maps"))) {
            return lines.map(DRIVER::matcher).filter(Matcher::find).map(Matcher::group).findFirst();
        } catch (IOException e) {
            return Optional.empty(); // Not Linux: there is no device for it either.
        }
    }

    /**
     * Sets what is checked, counted and simulated: {@code checks=all|none|bounds+alignment...},
     * {@code counters=on|off}, {@code threads=N} (0: one for each processor), {@code processors=N} (which
     * this process may use; the JVM's count at first), {@code compute=80}, {@code memory=16g},
     * {@code driver=12090} (for CUDA 12.9), {@code watchdog=N} (warp instructions of a block; 0: never), separated by
     * commas. The first settings are those of the environment variable FRAMECAST_SOFTGPU. Compute capability and memory
     * can only change while no context exists.
     *
     * @throws IllegalArgumentException if the device does not take them, with what it says
     */
    public static void configure(String options) {
        load();
        require(softgpu_configure(options));
    }

    /** How many threads of the host run blocks. */
    public static int threads() {
        load();
        return softgpu_threads();
    }

    /** What the last failed check or launch was about: kernel, PTX line, source line, block, thread; or "". */
    public static String report() {
        load();
        return softgpu_report();
    }

    public static void clearReport() {
        load();
        softgpu_clear_report();
    }

    /** What the launches since the last {@link #resetCounters} did, summed by kernel, as a table for people. */
    public static String countersTable() {
        load();
        return softgpu_counters_table();
    }

    /** The same as JSON. */
    public static String countersJson() {
        load();
        return softgpu_counters_json();
    }

    /**
     * A kernel's source with the counters of each line.
     *
     * @param source the text of the CUDA file; or null, to read the file that the PTX names and, where there is none,
     *        to list the PTX
     */
    public static String listing(String kernel, String source) {
        load();
        return softgpu_listing(kernel, source);
    }

    public static void resetCounters() {
        load();
        softgpu_reset_counters();
    }

    /**
     * Which PTX instructions some thread has run since the process began, as JSON: of every program, which is one PTX
     * text, every function and its every instruction, with the number of its place, which is a source line followed by
     * those of the calls that were inlined there. Nothing that is reset, unloaded or switched off is missing.
     *
     * @param file the name of a source file, to tell only of programs with code from it; null for all
     */
    public static String coverageJson(String file) {
        load();
        return softgpu_coverage_json(file);
    }

    /**
     * Makes calls to come fail: {@code alloc:3=CUDA_ERROR_OUT_OF_MEMORY} (the third from now on; likewise {@code copy},
     * {@code launch}, {@code synchronize}, {@code load}), {@code memory=64m} (no more than this can be allocated),
     * {@code lost:10} (the device is lost from the tenth call on), separated by commas. Null or "" takes all back.
     *
     * @throws IllegalArgumentException if the device does not understand it, with what it says
     */
    public static void inject(String faults) {
        load();
        require(softgpu_inject(faults));
    }

    /** Driver calls since the process began: so that a test can fail each of them in turn. */
    public static long callCount() {
        load();
        return softgpu_call_count();
    }

    /** The allocations that nobody freed yet, a line each; or "". */
    public static String liveAllocations() {
        load();
        return softgpu_live_allocations();
    }

    private static void require(String complaint) {
        if (complaint != null) {
            throw new IllegalArgumentException(complaint);
        }
    }

    private static native @Cast("const char*") String softgpu_configure(String options);

    private static native int softgpu_threads();

    private static native @Cast("const char*") String softgpu_report();

    private static native void softgpu_clear_report();

    private static native @Cast("const char*") String softgpu_counters_table();

    private static native @Cast("const char*") String softgpu_counters_json();

    private static native @Cast("const char*") String softgpu_listing(String kernel, String source);

    private static native void softgpu_reset_counters();

    private static native @Cast("const char*") String softgpu_coverage_json(String file);

    private static native @Cast("const char*") String softgpu_inject(String faults);

    private static native @Cast("uint64_t") long softgpu_call_count();

    private static native @Cast("const char*") String softgpu_live_allocations();
}
