package io.framecast.system;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileAttribute;
import java.util.ArrayDeque;
import java.util.Deque;

/** Directories that an operation created, so that it can remove them again if it fails. */
public final class MadeDirectories {

    private final Deque<Path> made = new ArrayDeque<>();

    /**
     * Creates a directory, and its parents if they do not exist.
     *
     * @param attributes the attributes of each directory that is created
     * @throws IOException if it cannot be created
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

    /** Removes the created directories, the innermost first, if they are empty. */
    public void removeEmpty() {
        try {
            while (!made.isEmpty()) {
                Files.deleteIfExists(made.pop());
            }
        } catch (IOException e) {
            // It is not empty: something was put there meanwhile.
        }
    }
}
