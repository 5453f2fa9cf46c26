package io.framecast.backend.cuda;

import io.framecast.FramecastException;
import java.io.File;
import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import jcuda.nvrtc.JNvrtc;

/**
 * NVRTC 12, NVIDIA's compiler of CUDA C++ as a library, which needs neither a GPU nor a driver. It is looked for in
 * the directory that the environment variable FRAMECAST_NVRTC names, in the CUDA 12 of this system, and among what
 * was fetched earlier; where it is in none of them, two files of a Maven artifact are fetched.
 */
public final class Nvrtc {

    /** Names a directory with libnvrtc.so.12 and libnvrtc-builtins.so.12.*. */
    static final String VARIABLE = "FRAMECAST_NVRTC";

    private static final String LIBRARY = "libnvrtc.so.12";
    private static final String BUILTINS = "libnvrtc-builtins.so.12.*";

    private static boolean loaded;

    private final Map<String, String> environment;
    private final List<Path> system;
    private final NvrtcJar jar;

    /** @param system directories that CUDA 12 may be installed in, the best first */
    Nvrtc(Map<String, String> environment, List<Path> system, NvrtcJar jar) {
        this.environment = environment;
        this.system = system;
        this.jar = jar;
    }

    private static Nvrtc here() {
        Map<String, String> environment = System.getenv();
        return new Nvrtc(environment, systemDirectories(environment), NvrtcJar.of(environment));
    }

    /**
     * Loads NVRTC, after which {@link JNvrtc} works; fetches it where that is needed.
     *
     * @throws FramecastException if it is not here and cannot be fetched, or cannot be loaded
     */
    public static synchronized void load() {
        if (loaded) {
            return;
        }
        Path directory = here().directory();
        try {
            // NVRTC asks the loader for its builtins by name, and finds what is loaded already.
            for (Path builtins : builtins(directory)) {
                System.load(builtins.toString());
            }
            System.load(directory.resolve(LIBRARY).toString());
            JNvrtc.nvrtcVersion(new int[1], new int[1]);
        } catch (LinkageError e) {
            throw new FramecastException("NVRTC in " + directory + " cannot be loaded: "
                    + String.valueOf(e.getMessage()).lines().findFirst().orElse("") + "; set " + VARIABLE
                    + " to the directory of another NVRTC 12.", e);
        }
        loaded = true;
    }

    /** The version, such as "12.9", of what {@link #load} loads. */
    static String version() {
        load();
        int[] major = new int[1];
        int[] minor = new int[1];
        JNvrtc.nvrtcVersion(major, minor);
        return major[0] + "." + minor[0];
    }

    /** The compute capabilities, such as 80, that what {@link #load} loads compiles for. */
    static SortedSet<Integer> computeCapabilities() {
        load();
        int[] count = new int[1];
        JNvrtc.nvrtcGetNumSupportedArchs(count);
        int[] capabilities = new int[count[0]];
        JNvrtc.nvrtcGetSupportedArchs(capabilities);
        return Arrays.stream(capabilities).boxed().collect(Collectors.toCollection(TreeSet::new));
    }

    /** Where NVRTC is, or where it would be fetched from: part of a line of text. Fetches nothing. */
    public static String describe() {
        return here().where();
    }

    String where() {
        return installed().map(directory -> "NVRTC 12 in " + directory)
                .orElseGet(() -> "not here yet; the first use takes it from " + jar.origin());
    }

    /** The directory that has the libraries, once it has them. */
    Path directory() {
        return installed().orElseGet(() -> {
            jar.fetch();
            return jar.cache();
        });
    }

    private Optional<Path> installed() {
        String given = environment.getOrDefault(VARIABLE, "");
        if (!given.isEmpty()) {
            Path directory = Path.of(given).toAbsolutePath();
            if (!holdsNvrtc(directory)) {
                throw new FramecastException(VARIABLE + " is " + given + ", which has no " + LIBRARY + " with its "
                        + BUILTINS + "; set it to a directory that has both, or unset it.");
            }
            return Optional.of(directory);
        }
        return Stream.concat(system.stream().filter(Nvrtc::holdsNvrtc),
                Stream.of(jar.cache()).filter(cache -> jar.isCached())).findFirst();
    }

    private static boolean holdsNvrtc(Path directory) {
        return Files.isReadable(directory.resolve(LIBRARY)) && !builtins(directory).isEmpty();
    }

    private static List<Path> builtins(Path directory) {
        return list(directory, BUILTINS);
    }

    /** What CUDA's installers and the dynamic loader use: first what the environment names. */
    private static List<Path> systemDirectories(Map<String, String> environment) {
        List<Path> roots = new ArrayList<>();
        for (String variable : List.of("CUDA_HOME", "CUDA_PATH")) {
            String root = environment.getOrDefault(variable, "");
            if (!root.isEmpty()) {
                roots.add(Path.of(root).toAbsolutePath());
            }
        }
        roots.addAll(list(Path.of("/usr/local"), "cuda*"));
        Stream<Path> named = Arrays.stream(environment.getOrDefault("LD_LIBRARY_PATH", "").split(File.pathSeparator))
                .filter(entry -> !entry.isEmpty()).map(entry -> Path.of(entry).toAbsolutePath());
        Stream<Path> cuda = roots.stream()
                .flatMap(root -> Stream.of(root.resolve("lib64"), root.resolve("targets/x86_64-linux/lib")));
        Stream<Path> plain = Stream.of(Path.of("/usr/lib/x86_64-linux-gnu"), Path.of("/usr/lib64"));
        return Stream.of(named, cuda, plain).flatMap(paths -> paths).toList();
    }

    /** The entries of a directory with such a name, the highest version first; none where it is no directory. */
    private static List<Path> list(Path directory, String glob) {
        List<Path> paths = new ArrayList<>();
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory, glob)) {
            entries.forEach(paths::add);
        } catch (IOException | DirectoryIteratorException e) {
            return List.of();
        }
        paths.sort(Comparator.reverseOrder());
        return paths;
    }
}
