package io.framecast.softgpu;

import io.framecast.FramecastException;
import io.framecast.Remedy;
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
 * The software CUDA device of native/softgpu. Once it is {@link #load loaded}, JCuda uses it as libcuda.so.1,
 * libcublas.so.12 and libcudnn.so.9, and the engine uses it as libnccl.so.2: CUDA programs then run on the CPU, with
 * checks and counters. The other methods control the device. They load it if that has not been done, and may be called
 * from any thread.
 */
@Platform(value = "linux-x86_64", include = "softgpu.h", library = "jniframecast_softgpu")
public final class SoftGpu {

    /** In loading order: the others depend on the first. */
    private static final List<String> LIBRARIES = List.of("libcuda.so.1", "libcublas.so.12", "libcudnn.so.9",
            "libnccl.so.2");

    /** The path of a mapped CUDA driver, at the end of a line of /proc/self/maps. */
    private static final Pattern DRIVER = Pattern.compile("/.*/libcuda\\.so[.0-9]*(?= \\(deleted\\)$|$)");

    private static boolean loaded;

    private SoftGpu() {
    }

    /**
     * Loads the device into this process; it cannot be unloaded. Must be called before the first use of JCuda. Does
     * nothing if the device is loaded already.
     *
     * @throws FramecastException if this process holds another CUDA driver, if the build has no libraries for this
     *         platform, or if they cannot be loaded
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
        // The JVM knows the CPU limit of a container; the C++ library does not.
        require(softgpu_configure("processors=" + Runtime.getRuntime().availableProcessors()));
        loaded = true;
    }

    /** The file of a library: beside this class, or unpacked from its jar. */
    private static Path pathOf(String library) throws IOException {
        URL resource = SoftGpu.class.getResource(Loader.getPlatform() + "/" + library);
        if (resource == null) {
            throw new FramecastException("The software CUDA device, CUDA on the CPU to test with, is not part of this "
                    + "build; the launcher builds it for the first command that asks for it.", Remedy.SOFTWARE_DEVICE);
        }
        return JavaCpp.unpack(resource);
    }

    /**
     * Whether this class has loaded the software device.
     *
     * @return true after {@link #load}
     */
    public static synchronized boolean isLoaded() {
        return loaded;
    }

    /**
     * The CUDA driver that this process has loaded, the software one or a real one.
     *
     * @return its path; empty if there is none
     */
    public static Optional<String> loadedDriver() {
        try (var lines = Files.lines(Path.of("/proc/self/maps"))) {
            return lines.map(DRIVER::matcher).filter(Matcher::find).map(Matcher::group).findFirst();
        } catch (IOException e) {
            return Optional.empty(); // Not Linux: the software device does not exist there.
        }
    }

    /**
     * Sets what is checked, counted and simulated: {@code checks=all|none|bounds+alignment...},
     * {@code counters=on|off}, {@code coverage=on|off}, {@code threads=N} (0: one for each processor),
     * {@code processors=N} (which this process may use; the JVM's count at first), {@code compute=80},
     * {@code memory=16g}, {@code driver=13010} (for CUDA 13.1), {@code watchdog=N} (warp instructions of a block;
     * 0: never), separated by commas. The environment variable FRAMECAST_SOFTGPU gives the initial settings. Compute
     * capability and memory can only change while no context exists.
     *
     * @param options the options; those that are not named keep their values
     * @throws IllegalArgumentException if an option is unknown or cannot be set now; the message says which
     */
    public static void configure(String options) {
        load();
        require(softgpu_configure(options));
    }

    /**
     * The settings in use.
     *
     * @return all options, as {@link #configure} takes them
     */
    public static String options() {
        load();
        return softgpu_options();
    }

    /**
     * Counts launches that are too large to be run: of each launch only some blocks run, and their counters are scaled
     * to the grid. Launches that are alike (kernel, grid, block, shared memory, and arguments that are not addresses of
     * the device's memory) run a few times only, and are counted then as the last one that ran. All results are
     * meaningless until this is switched off, and what the device's memory holds, afterwards, too. Reading memory that
     * nothing wrote is no error meanwhile; the other checks are as they were.
     *
     * @param blocks how many blocks of a launch run at most, from 4 to 16: the first, the last, and some between them;
     *        0 for all, as at first
     * @param launches how many launches that are alike run; at least 1
     * @throws IllegalArgumentException if a number is out of its range
     */
    public static void sample(int blocks, int launches) {
        load();
        require(softgpu_sample(blocks, launches));
    }

    /**
     * How many threads of the host run blocks.
     *
     * @return at least 1
     */
    public static int threads() {
        load();
        return softgpu_threads();
    }

    /**
     * The report of the last failed check or launch: kernel, PTX line, source line, block, thread.
     *
     * @return the report, or "" if nothing failed since the last {@link #clearReport}
     */
    public static String report() {
        load();
        return softgpu_report();
    }

    /** Makes {@link #report} empty. */
    public static void clearReport() {
        load();
        softgpu_clear_report();
    }

    /**
     * The counters of all launches since the last {@link #resetCounters}, summed by kernel, as a table to read.
     *
     * @return the table
     */
    public static String countersTable() {
        load();
        return softgpu_counters_table();
    }

    /**
     * The counters of {@link #countersTable} as JSON.
     *
     * @return the JSON text
     */
    public static String countersJson() {
        load();
        return softgpu_counters_json();
    }

    /**
     * A kernel's source with the counters of each line.
     *
     * @param kernel the kernel's name in the PTX
     * @param source the text of the CUDA file; null to read the file that the PTX names, or to list the PTX if there
     *        is no such file
     * @return the listing
     */
    public static String listing(String kernel, String source) {
        load();
        return softgpu_listing(kernel, source);
    }

    /** Sets all counters to zero. The record of {@link #coverageJson} is kept. */
    public static void resetCounters() {
        load();
        softgpu_reset_counters();
    }

    /**
     * Which PTX instructions some thread has run, as JSON. It lists each program (one PTX text) that was loaded while
     * {@code coverage=on}, its functions and their instructions. Each instruction has the index of its place: a source
     * line, followed by the lines of the calls that were inlined there. Resetting counters, unloading modules and
     * {@code counters=off} do not change the record.
     *
     * @param file the name of a source file, to list only programs with code from it; null for all
     * @return the JSON text
     */
    public static String coverageJson(String file) {
        load();
        return softgpu_coverage_json(file);
    }

    /**
     * Makes later driver calls fail: {@code alloc:3=CUDA_ERROR_OUT_OF_MEMORY} (the third allocation from now on;
     * likewise {@code copy}, {@code launch}, {@code synchronize}, {@code load}, and each function of the driver API by
     * its name: {@code cuInit:1=802}), {@code attribute:20=2} (what the driver says of this CUdevice_attribute),
     * {@code devices=2} (the driver has so many devices, which are all the same one), {@code memory=64m} (no more than
     * this can be allocated), {@code lost:10} (the device is lost from the tenth call on), separated by commas.
     * Replaces all faults set before.
     *
     * @param faults the faults; null or "" for none
     * @throws IllegalArgumentException if a fault is not of this form; the message names it
     */
    public static void inject(String faults) {
        load();
        require(softgpu_inject(faults));
    }

    /**
     * The number of driver calls since the process began. A test can use it to make each call of a program fail in
     * turn.
     *
     * @return the number of calls
     */
    public static long callCount() {
        load();
        return softgpu_call_count();
    }

    /**
     * The allocations that were not freed yet.
     *
     * @return one line for each allocation, or ""
     */
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

    private static native @Cast("const char*") String softgpu_options();

    private static native @Cast("const char*") String softgpu_sample(int blocks, int launches);

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
