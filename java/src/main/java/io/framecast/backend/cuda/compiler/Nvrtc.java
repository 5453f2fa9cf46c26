package io.framecast.backend.cuda.compiler;

import io.framecast.FramecastException;
import io.framecast.backend.FetchListener;
import io.framecast.backend.cuda.driver.CudaDriver;
import io.framecast.backend.cuda.library.CudaDirectories;
import io.framecast.backend.cuda.library.SystemLibrary;
import io.framecast.fetch.LibraryJar;
import io.framecast.nvrtc.NativeNvrtc;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * NVRTC 12 or 13, NVIDIA's compiler of CUDA C++ as a library; it needs neither a GPU nor a driver. If the environment
 * variable FRAMECAST_NVRTC names a directory, it is loaded from there. Else the first of these that can be loaded is
 * taken: CUDA 12 on this system; CUDA 13 on this system; what was fetched earlier; two files of a Maven artifact, which
 * are fetched. CUDA 12 is before 13 because it serves every driver and every GPU: a driver for CUDA 12 loads nothing
 * that NVRTC 13 made, and NVRTC 13 compiles for compute capability 7.5 and later only.
 */
final class Nvrtc {

    private static final String VARIABLE = CudaDirectories.NVRTC_VARIABLE;

    private static final List<Integer> MAJOR_VERSIONS = List.of(12, 13);

    private static final Pattern LIBRARY_SYMBOL = Pattern.compile("nvrtcCompileProgram");
    /** Such as __nvrtc_builtins__12_9_getArchBuiltins; not the library's own name, which is in the table too. */
    private static final Pattern BUILTINS_SYMBOL = Pattern.compile("(?!lib).*[bB]uiltins.*");

    /**
     * The library of a major version in a directory.
     *
     * @param major such as 12
     */
    record Candidate(Path directory, int major) {

        private String name() {
            return "libnvrtc.so." + major;
        }

        private Path library() {
            return directory.resolve(name());
        }

        /** What {@link #builtins} must match. */
        private String pattern() {
            return "libnvrtc-builtins.so." + major + ".*";
        }

        private List<Path> builtins() {
            return CudaDirectories.list(directory, pattern());
        }

        private boolean isThere() {
            return Files.isReadable(library());
        }
    }

    /** Loads a candidate into this process, or throws with the reason. */
    @FunctionalInterface
    interface Loading {
        NativeNvrtc.Library load(Candidate candidate) throws IOException;
    }

    /**
     * What the compiled kernels are for.
     *
     * @param cudaMajor the driver loads machine code and PTX of this major version of CUDA and of earlier ones
     * @param computeCapability of its oldest GPU, such as 80
     */
    record Target(int cudaMajor, int computeCapability) {

        /** That of the driver that this process has opened. */
        private static Optional<Target> here() {
            return CudaDriver.opened().map(driver -> new Target(driver.majorVersion(),
                    driver.devices().stream().mapToInt(CudaDriver.Device::computeCapability).min().orElseThrow()));
        }
    }

    /**
     * A library that is loaded.
     *
     * @param passedOver the directories that were tried before, each with the reason why it could not be loaded
     */
    record Loaded(NativeNvrtc.Library library, Path directory, List<String> passedOver) {
        @Override
        public String toString() {
            return directory + SystemLibrary.note(passedOver);
        }
    }

    /** In this process; null: not yet. */
    private static Loaded loaded;

    private final Map<String, String> environment;
    private final List<Path> system;
    private final LibraryJar jar;
    private final Loading loading;
    private final Optional<Target> target;

    /**
     * @param system directories in which CUDA may be installed, in the order to try them
     * @param target empty if no driver is opened
     */
    Nvrtc(Map<String, String> environment, List<Path> system, LibraryJar jar, Loading loading,
            Optional<Target> target) {
        this.environment = environment;
        this.system = system;
        this.jar = jar;
        this.loading = loading;
        this.target = target;
    }

    private static Loaded load(FetchListener listener, boolean fetch) {
        if (loaded == null) {
            Map<String, String> environment = System.getenv();
            loaded = new Nvrtc(environment, CudaDirectories.of(environment),
                    LibraryJar.of(NvrtcJar.ARTIFACT, environment, listener), Nvrtc::open, Target.here()).load(fetch);
        }
        return loaded;
    }

    /**
     * Loads NVRTC; fetches it if this machine has none.
     *
     * @throws FramecastException if it is not here and cannot be fetched, or cannot be loaded
     */
    static synchronized void load(FetchListener listener) {
        load(listener, true);
    }

    /** The same, and what is loaded. */
    static synchronized NativeNvrtc.Library library() {
        return load(FetchListener.NONE, true).library;
    }

    /** As {@link KernelImages#describeCompiler}. */
    static synchronized String describe() {
        Loaded described = load(FetchListener.NONE, false);
        return "NVRTC " + version(described.library) + " in " + described;
    }

    /** The version, such as "12.9"; loads it if need be. */
    static String version() {
        return version(library());
    }

    private static String version(NativeNvrtc.Library library) {
        return library.major_version() + "." + library.minor_version();
    }

    /** The compute capabilities that it compiles for, such as 80; loads it if need be. */
    static SortedSet<Integer> computeCapabilities() {
        return computeCapabilities(library());
    }

    private static SortedSet<Integer> computeCapabilities(NativeNvrtc.Library library) {
        SortedSet<Integer> capabilities = new TreeSet<>();
        for (int k = 0; k < library.architectures(); k++) {
            capabilities.add(library.architecture(k));
        }
        return capabilities;
    }

    /** Loads the first candidate that can be loaded. */
    Loaded load(boolean fetch) {
        List<String> failures = new ArrayList<>();
        for (Candidate candidate : candidates()) {
            try {
                return new Loaded(load(candidate), candidate.directory, failures);
            } catch (IOException e) {
                failures.add(failure(candidate.directory, e));
            }
        }
        if (!given().isEmpty()) {
            throw new FramecastException("NVRTC cannot be loaded from " + failures.get(0) + "; set " + VARIABLE
                    + " to the directory of another NVRTC 12, or unset it.");
        }
        String broken = failures.isEmpty() ? ""
                : " What is here cannot be loaded: " + String.join(", ", failures) + ".";
        if (!fetch) {
            jar.cache(); // Throws if there is no place for it.
            throw new FramecastException("NVRTC 12 is not here yet; the first use takes it from " + jar.origin() + "."
                    + broken);
        }
        try {
            jar.fetch();
            return new Loaded(loading.load(cached()), jar.cache(), failures);
        } catch (FramecastException e) {
            throw new FramecastException(e.getMessage() + broken, e);
        } catch (IOException e) {
            throw new FramecastException("NVRTC cannot be loaded from " + failure(jar.cache(), e)
                    + "; set " + VARIABLE + " to the directory of another NVRTC 12." + broken, e);
        }
    }

    private NativeNvrtc.Library load(Candidate candidate) throws IOException {
        if (target.isPresent() && candidate.major > target.get().cudaMajor) {
            throw new IOException("the driver is for CUDA " + target.get().cudaMajor
                    + ", and loads nothing that NVRTC " + candidate.major + " compiles");
        }
        if (candidate.builtins().isEmpty()) {
            throw new IOException("there is no " + candidate.pattern());
        }
        NativeNvrtc.Library library = loading.load(candidate);
        if (target.isPresent() && computeCapabilities(library).first() > target.get().computeCapability) {
            String oldest = CudaCompiler.text(computeCapabilities(library).first());
            library.close();
            throw new IOException("NVRTC " + candidate.major + " compiles for compute capability " + oldest
                    + " and later, and the GPU has " + CudaCompiler.text(target.get().computeCapability));
        }
        return library;
    }

    /** The reason may contain the full paths of the directory's files, which is cut to their names. */
    private static String failure(Path directory, IOException e) {
        return directory + ": " + String.valueOf(e.getMessage()).replace(directory + "/", "");
    }

    private String given() {
        return environment.getOrDefault(VARIABLE, "");
    }

    /** Those that are there, in the order to try them. */
    private List<Candidate> candidates() {
        if (!given().isEmpty()) {
            Path directory = Path.of(given()).toAbsolutePath();
            List<Candidate> there = in(List.of(directory), MAJOR_VERSIONS)
                    .filter(candidate -> !candidate.builtins().isEmpty()).toList();
            if (there.isEmpty()) {
                throw new FramecastException(VARIABLE + " is " + given() + ", which has no libnvrtc.so.12 with its "
                        + "libnvrtc-builtins.so.12.* (nor those of CUDA 13); set it to a directory that has both, or "
                        + "unset it.");
            }
            return there;
        }
        // Without a driver it is for the software device, which is one for CUDA 12.
        List<Candidate> candidates = new ArrayList<>(in(system,
                target.isPresent() ? MAJOR_VERSIONS : MAJOR_VERSIONS.subList(0, 1)).toList());
        if (jar.isCached()) {
            candidates.add(cached());
        }
        return candidates;
    }

    private static Stream<Candidate> in(List<Path> directories, List<Integer> majorVersions) {
        return majorVersions.stream().flatMap(major -> directories.stream()
                .map(directory -> new Candidate(directory, major)).filter(Candidate::isThere));
    }

    private Candidate cached() {
        return new Candidate(jar.cache(), NvrtcJar.MAJOR_VERSION);
    }

    /** Loads a candidate with the builtins of its version. */
    static NativeNvrtc.Library open(Candidate candidate) throws IOException {
        ElfLibrary.require(candidate.library(), LIBRARY_SYMBOL);
        IOException failure = null;
        for (Path builtins : candidate.builtins()) { // There may be several versions.
            try {
                ElfLibrary.require(builtins, BUILTINS_SYMBOL);
                NativeNvrtc.Library library = open(builtins, candidate.library());
                String wanted = "libnvrtc-builtins.so." + version(library);
                String name = builtins.getFileName().toString();
                if (name.equals(wanted) || name.startsWith(wanted + ".")) {
                    return library;
                }
                library.close();
                failure = failure != null ? failure
                        : new IOException(candidate.name() + " needs " + wanted + ", which is not there");
            } catch (IOException e) {
                failure = e;
            }
        }
        throw failure;
    }

    private static NativeNvrtc.Library open(Path builtins, Path library) throws IOException {
        NativeNvrtc.load();
        try {
            return new NativeNvrtc.Library(builtins.toString(), library.toString());
        } catch (RuntimeException e) {
            throw new IOException(String.valueOf(e.getMessage()).lines().findFirst().orElse(""), e);
        }
    }
}
