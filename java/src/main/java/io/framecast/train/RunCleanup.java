package io.framecast.train;

import io.framecast.files.AtomicFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.Map;
import java.util.function.Consumer;

/** Makes room for a run's files in its directory: what a killed process left goes, what is somebody's is kept. */
final class RunCleanup {

    /** What a process that was killed left of files being written, as AtomicFiles names it; by directory. */
    private static final Map<String, String> PARTS = Map.of(
            "", "config\\.json|steps\\.csv|metrics\\.csv|loss\\.png|report\\.html",
            "checkpoints", "(last|best)\\.safetensors",
            "gifs", "video-\\d+\\.(gif|png)");

    private RunCleanup() {
    }

    /** What has the name of a run's file, and is somebody's: it is moved aside, not replaced. */
    static void keepForeignFiles(Path run, RunConfig config, Consumer<String> notes) {
        if (config.isForeign()) {
            keepAside(config.file(), notes);
        }
        for (RunTable table : RunTable.values()) {
            if (table.isForeign(run)) {
                keepAside(table.in(run), notes);
            }
        }
    }

    private static void keepAside(Path file, Consumer<String> notes) {
        for (int k = 1;; k++) {
            Path aside = file.resolveSibling(file.getFileName() + ".kept-" + k);
            if (!Files.exists(aside, LinkOption.NOFOLLOW_LINKS)) {
                try {
                    Files.move(file, aside);
                } catch (IOException e) {
                    throw AtomicFiles.cannotWrite(aside, e);
                }
                notes.accept(file + " was not as a run leaves it; it is " + aside + " now, and written anew.");
                return;
            }
        }
    }

    /** What a process that was killed was writing. Only names of this run's files: others may be at work beside it. */
    static void removeParts(Path run) {
        PARTS.forEach((name, names) -> {
            Path directory = run.resolve(name);
            if (!Files.isDirectory(directory, LinkOption.NOFOLLOW_LINKS) && !name.isEmpty()) {
                return;
            }
            AtomicFiles.deleteUnfinished(directory, names);
        });
    }
}
