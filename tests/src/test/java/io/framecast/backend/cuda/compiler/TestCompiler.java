package io.framecast.backend.cuda.compiler;

import io.framecast.backend.FetchListener;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.SortedSet;

/** NVRTC for tests of other packages. */
public final class TestCompiler {

    private TestCompiler() {
    }

    /** Loads it, so that a child process that cannot fetch it finds it. */
    public static void load() {
        Nvrtc.load(FetchListener.NONE);
    }

    /** The directory that it is loaded from. */
    public static Path directory() {
        load();
        return Path.of(Nvrtc.describe().replaceAll("NVRTC [0-9.]+ in | \\(passed over: .*", ""));
    }

    /** Its version, such as "12.9". */
    public static String version() {
        return Nvrtc.version();
    }

    /** The compute capabilities that it compiles for. */
    public static SortedSet<Integer> computeCapabilities() {
        return Nvrtc.computeCapabilities();
    }

    /** The PTX of a source without includes. */
    public static String ptx(String name, String source, String architecture, List<String> options) {
        CudaSource all = new CudaSource(name, source, Collections.emptySortedMap());
        return CudaCompiler.compile(all, architecture, options).ptx();
    }

    /** The PTX of one of the project's sources. */
    public static String ptx(String file, String architecture) {
        return CudaCompiler.compile(CudaSource.of(file), architecture, List.of()).ptx();
    }

    /** The resources of all kernels of a source without includes. */
    public static List<KernelResources> resources(String source, String architecture) {
        return KernelResources.of(new CudaSource("test.cu", source, Collections.emptySortedMap()), architecture,
                List.of());
    }

    /** The machine code of one of the project's sources. */
    public static byte[] machineCode(String file, String architecture) {
        return CudaCompiler.compile(CudaSource.of(file), architecture, List.of()).image();
    }

    /** The text of one of the project's sources. */
    public static String text(String file) {
        return CudaSource.of(file).text();
    }

    /** The compiler as the backend uses it. */
    public static KernelImages images() {
        return new KernelImages(System.getenv(), FetchListener.NONE);
    }
}
