package io.framecast.backend.cuda.library;

import io.framecast.system.JavaCpp;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.bytedeco.javacpp.Loader;

/**
 * A library of the machine that JCuda's native ones need. It is loaded before they are: a class of JCuda that once
 * missed its library is lost.
 */
public final class SystemLibrary {

    private SystemLibrary() {
    }

    /**
     * Loads the library that the system's loader finds by its name; where it cannot load that, the first of CUDA's
     * directories that it can.
     *
     * @param file such as {@code libcuda.so.1}
     * @return why those that were tried before it could not be loaded; of which, too
     * @throws NoSuchFileException if there is none
     * @throws IOException if there is none that can be loaded; the message says why, and of which
     */
    public static List<String> load(String file, Map<String, String> environment) throws IOException {
        JavaCpp.load();
        List<String> failures = new ArrayList<>();
        try {
            Loader.loadGlobal(file);
        } catch (UnsatisfiedLinkError e) {
            failures.add(String.valueOf(e.getMessage()));
            if (file.contains("/") || !loadFrom(CudaDirectories.of(environment), file, failures)) {
                // The same is told of a library that this one needs.
                if (failures.size() == 1 && failures.get(0).startsWith(file + ": ")
                        && failures.get(0).endsWith(": No such file or directory")) {
                    throw new NoSuchFileException(file);
                }
                throw new IOException(String.join("; ", failures), e);
            }
        }
        return failures;
    }

    /** What to say after a library's name of those that were passed over; nothing where there are none. */
    public static String note(List<String> passedOver) {
        return passedOver.isEmpty() ? "" : " (passed over: " + String.join(", ", passedOver) + ")";
    }

    private static boolean loadFrom(List<Path> directories, String file, List<String> failures) {
        for (Path directory : directories) {
            Path library = directory.resolve(file);
            if (Files.isReadable(library)) {
                try {
                    Loader.loadGlobal(library.toString());
                    return true;
                } catch (UnsatisfiedLinkError e) {
                    String failure = String.valueOf(e.getMessage());
                    if (!failures.contains(failure)) { // It may be the one that was found by its name.
                        failures.add(failure);
                    }
                }
            }
        }
        return false;
    }
}
