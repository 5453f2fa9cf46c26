package io.framecast.backend.cuda.compiler;

import io.framecast.FramecastException;
import io.framecast.backend.FetchListener;
import io.framecast.backend.cuda.library.CudaDirectories;
import io.framecast.backend.cuda.library.JCudaLibrary;
import io.framecast.backend.cuda.library.SystemLibrary;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import jcuda.nvrtc.JNvrtc;

/**
 * NVRTC 12, NVIDIA's compiler of CUDA C++ as a library; it needs neither a GPU nor a driver. If the environment
 * variable FRAMECAST_NVRTC names a directory, it is loaded from there. Else the first of these that can be loaded is
 * taken: CUDA 12 on this system; what was fetched earlier; two files of a Maven artifact, which are fetched.
 */
final class Nvrtc {

    private static final String VARIABLE = CudaDirectories.NVRTC_VARIABLE;

    private static final String LIBRARY = "libnvrtc.so.12";
    private static final String BUILTINS = "libnvrtc-builtins.so.12.*";

    private static final Pattern LIBRARY_SYMBOL = Pattern.compile("nvrtcCompileProgram");
    /** Such as __nvrtc_builtins__12_9_getArchBuiltins; not the library's own name, which is in the table too. */
    private static final Pattern BUILTINS_SYMBOL = Pattern.compile("(?!lib).*[bB]uiltins.*");

    /** Loads the libraries of a directory into this process, or throws with the reason. */
    @FunctionalInterface
    interface Loading {
        void from(Path directory) throws IOException;
    }

    /**
     * A library that is loaded.
     *
     * @param passedOver the directories that were tried before, each with the reason why it could not be loaded
     */
    record Loaded(Path directory, List<String> passedOver) {
        @Override
        public String toString() {
            return directory + SystemLibrary.note(passedOver);
        }
    }

    /** In this process; null: not yet. */
    private static Loaded loaded;

    private final Map<String, String> environment;
    private final List<Path> system;
    private final NvrtcJar jar;
    private final Loading loading;

    /** @param system directories in which CUDA 12 may be installed, in the order to try them */
    Nvrtc(Map<String, String> environment, List<Path> system, NvrtcJar jar, Loading loading) {
        this.environment = environment;
        this.system = system;
        this.jar = jar;
        this.loading = loading;
    }

    private static Nvrtc here(FetchListener listener) {
        Map<String, String> environment = System.getenv();
        return new Nvrtc(environment, CudaDirectories.of(environment), NvrtcJar.of(environment, listener),
                Nvrtc::loadFrom);
    }

    /**
     * Loads NVRTC, after which {@link JNvrtc} works; fetches it if this machine has none.
     *
     * @throws FramecastException if it is not here and cannot be fetched, or cannot be loaded
     */
    static synchronized void load(FetchListener listener) {
        if (loaded == null) {
            loaded = here(listener).load(true);
        }
    }

    static void load() {
        load(FetchListener.NONE);
    }

    /** As {@link KernelImages#describeCompiler}. */
    static synchronized String describe() {
        if (loaded == null) {
            loaded = here(FetchListener.NONE).load(false);
        }
        return "NVRTC " + version() + " in " + loaded;
    }

    /** The version, such as "12.9"; loads it if need be. */
    static String version() {
        load();
        return loadedVersion();
    }

    private static String loadedVersion() {
        int[] major = new int[1];
        int[] minor = new int[1];
        JNvrtc.nvrtcVersion(major, minor);
        return major[0] + "." + minor[0];
    }

    /** The compute capabilities that it compiles for, such as 80; loads it if need be. */
    static SortedSet<Integer> computeCapabilities() {
        load();
        int[] count = new int[1];
        JNvrtc.nvrtcGetNumSupportedArchs(count);
        int[] capabilities = new int[count[0]];
        JNvrtc.nvrtcGetSupportedArchs(capabilities);
        return Arrays.stream(capabilities).boxed().collect(Collectors.toCollection(TreeSet::new));
    }

    /** Loads the first candidate that can be loaded. */
    Loaded load(boolean fetch) {
        List<String> failures = new ArrayList<>();
        for (Path directory : candidates()) {
            try {
                if (builtins(directory).isEmpty()) {
                    throw new IOException("there is no " + BUILTINS);
                }
                loading.from(directory);
                return new Loaded(directory, failures);
            } catch (IOException e) {
                failures.add(failure(directory, e));
            }
        }
        if (!given().isEmpty()) {
            throw new FramecastException("NVRTC cannot be loaded from " + failures.get(0) + "; set " + VARIABLE
                    + " to the directory of another NVRTC 12, or unset it.");
        }
        String broken = failures.isEmpty() ? ""
                : " What is here cannot be loaded: " + String.join(", ", failures) + ".";
        if (!fetch) {
            throw new FramecastException("NVRTC 12 is not here yet; the first use takes it from " + jar.origin() + "."
                    + broken);
        }
        try {
            jar.fetch();
            loading.from(jar.cache());
            return new Loaded(jar.cache(), failures);
        } catch (FramecastException e) {
            throw new FramecastException(e.getMessage() + broken, e);
        } catch (IOException e) {
            throw new FramecastException("NVRTC cannot be loaded from " + failure(jar.cache(), e)
                    + "; set " + VARIABLE + " to the directory of another NVRTC 12." + broken, e);
        }
    }

    /** The reason may contain the full paths of the directory's files, which is cut to their names. */
    private static String failure(Path directory, IOException e) {
        return directory + ": " + String.valueOf(e.getMessage()).replace(directory + "/", "");
    }

    private String given() {
        return environment.getOrDefault(VARIABLE, "");
    }

    /** The directories that have the library, in the order to try them. */
    private List<Path> candidates() {
        if (!given().isEmpty()) {
            Path directory = Path.of(given()).toAbsolutePath();
            if (!holdsLibrary(directory) || builtins(directory).isEmpty()) {
                throw new FramecastException(VARIABLE + " is " + given() + ", which has no " + LIBRARY + " with its "
                        + BUILTINS + "; set it to a directory that has both, or unset it.");
            }
            return List.of(directory);
        }
        List<Path> candidates = new ArrayList<>(system.stream().filter(Nvrtc::holdsLibrary).toList());
        if (jar.isCached()) {
            candidates.add(jar.cache());
        }
        return candidates;
    }

    private static boolean holdsLibrary(Path directory) {
        return Files.isReadable(directory.resolve(LIBRARY));
    }

    private static List<Path> builtins(Path directory) {
        return CudaDirectories.list(directory, BUILTINS);
    }

    private static void loadFrom(Path directory) throws IOException {
        Path library = directory.resolve(LIBRARY);
        ElfLibrary.require(library, LIBRARY_SYMBOL);
        // NVRTC opens its builtins by name, and gets the library of that name that is loaded already.
        List<String> names = new ArrayList<>();
        IOException failure = null;
        for (Path builtins : builtins(directory)) {
            try {
                ElfLibrary.require(builtins, BUILTINS_SYMBOL);
                load(builtins);
                names.add(builtins.getFileName().toString());
            } catch (IOException e) {
                failure = e; // There may be several versions.
            }
        }
        if (names.isEmpty()) {
            throw failure;
        }
        load(library);
        try {
            JCudaLibrary.NVRTC.load();
        } catch (FramecastException e) {
            throw new IOException(e.getMessage(), e);
        }
        String wanted = "libnvrtc-builtins.so." + loadedVersion();
        if (names.stream().noneMatch(name -> name.equals(wanted) || name.startsWith(wanted + "."))) {
            throw new IOException(LIBRARY + " needs " + wanted + ", which is not there or cannot be loaded", failure);
        }
    }

    private static void load(Path library) throws IOException {
        try {
            System.load(library.toString());
        } catch (UnsatisfiedLinkError e) {
            throw new IOException(String.valueOf(e.getMessage()).lines().findFirst().orElse(""), e);
        }
    }
}
