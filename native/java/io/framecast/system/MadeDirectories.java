package io.framecast.system;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileAttribute;
import java.util.ArrayDeque;
import java.util.Deque;

/** Directories that were not there before, so that what came to nothing can take them away again. */
public final class MadeDirectories {

    private final Deque<Path> made = new ArrayDeque<>();

    /**
     * Makes a directory, and those above it that are not there.
     *
     * @param attributes of each that is made
     * @throws IOException if it cannot be made
     */
    public void make(Path directory, FileAttribute<?>... attributes) throws IOException {
        Deque<Path> missing = new ArrayDeque<>();
        for (Path path = directory.toAbsolutePath().normalize(); path != null && !Files.exists(path);
                path = path.getParent()) {
            missing.push(path);
        }
        try {
            Files.createDirectories(directory, attributes);
        } finally {
            missing.stream().filter(Files::isDirectory).forEach(made::push);
        }
    }

    /** Takes them away, the innermost first, as far as they are empty. */
    public void removeEmpty() {
        try {
            while (!made.isEmpty()) {
                Files.deleteIfExists(made.pop());
            }
        } catch (IOException e) {
            // Something is in it, which somebody put there since.
        }
    }
}
