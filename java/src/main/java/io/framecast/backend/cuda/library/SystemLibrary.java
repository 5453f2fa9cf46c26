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
 * Loads a CUDA library of the machine, before JCuda's native library that is linked to it: a JCuda class whose
 * initialiser failed once cannot be used again in this process.
 */
public final class SystemLibrary {

    private SystemLibrary() {
    }

    /**
     * Loads the library that the dynamic loader finds by this name; if it cannot be loaded, the first of
     * {@link CudaDirectories} that can.
     *
     * @param file such as {@code libcuda.so.1}
     * @return the failures before it, each with the file and the reason
     * @throws NoSuchFileException if there is none
     * @throws IOException if none can be loaded; the message has the failures
     */
    public static List<String> load(String file, Map<String, String> environment) throws IOException {
        JavaCpp.load();
        List<String> failures = new ArrayList<>();
        try {
            Loader.loadGlobal(file);
        } catch (UnsatisfiedLinkError e) {
            failures.add(String.valueOf(e.getMessage()));
            if (file.contains("/") || !loadFrom(CudaDirectories.of(environment), file, failures)) {
                // The loader's message is the same for a library that this one depends on, but for its name.
                if (failures.size() == 1 && failures.get(0).startsWith(file + ": ")
                        && failures.get(0).endsWith(": No such file or directory")) {
                    throw new NoSuchFileException(file);
                }
                throw new IOException(String.join("; ", failures), e);
            }
        }
        return failures;
    }

    /** The failures before a library, as a note behind its name; empty if there are none. */
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
                    if (!failures.contains(failure)) { // It may be the file that the loader found.
                        failures.add(failure);
                    }
                }
            }
        }
        return false;
    }
}
