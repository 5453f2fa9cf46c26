package io.framecast.backend.cuda.library;

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
import java.util.stream.Stream;

/** The directories in which CUDA's libraries are installed. */
public final class CudaDirectories {

    /** The environment variable for a directory with NVRTC and its builtins. */
    public static final String NVRTC_VARIABLE = "FRAMECAST_NVRTC";

    private CudaDirectories() {
    }

    /** Those of CUDA's installers and of the dynamic loader, with those that the environment names first. */
    public static List<Path> of(Map<String, String> environment) {
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
        // The driver of Windows in WSL is before one that was installed in Linux by mistake.
        Stream<Path> plain = Stream.of("/usr/lib/wsl/lib", "/usr/lib/x86_64-linux-gnu", "/usr/lib64",
                "/usr/local/nvidia/lib64").map(Path::of);
        return Stream.of(named, cuda, plain).flatMap(paths -> paths).distinct().toList();
    }

    /** The entries of a directory that match, the highest version first; none if it is no directory. */
    public static List<Path> list(Path directory, String glob) {
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
