package io.framecast.tools.bundle;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;

/**
 * Makes the programs and libraries of a bundle independent of the machine that built them:
 * {@code BundledLibraries DIR}. They must run with {@value #GLIBC}. Recent libraries of GCC and FFmpeg need four
 * functions of newer versions, which bin/framecast provides (native/launcher/framecast.cpp).
 */
public final class BundledLibraries {

    private static final String GLIBC = "GLIBC_2.34";
    private static final int MINOR = Integer.parseInt(GLIBC.substring(GLIBC.indexOf('.') + 1));

    /** The functions of newer versions that bin/framecast has. */
    private static final Set<String> PROVIDED = Set.of("_dl_find_object", "arc4random", "hypot", "hypotf");

    private BundledLibraries() {
    }

    /** Changes all files, and says which need a newer C library. */
    public static void main(String[] args) throws IOException {
        Set<String> newer = new TreeSet<>();
        for (Path path : files(Path.of(args[0]))) {
            ElfFile file = ElfFile.read(path);
            Set<String> symbols = file.weaken(BundledLibraries::isNewer);
            file.cutRunPath();
            symbols.removeAll(PROVIDED);
            if (symbols.isEmpty()) {
                file.write();
            } else {
                newer.add(path.getFileName() + " (" + String.join(", ", symbols) + ")");
            }
        }
        if (!newer.isEmpty()) {
            System.err.println("framecast: this bundle will not run with glibc 2." + MINOR + ", because the compiler "
                    + "and Java of this machine are for a newer one; make it on Debian 12 or Ubuntu 22.04 for that. "
                    + "Too new: " + String.join("; ", newer));
        }
    }

    private static List<Path> files(Path directory) throws IOException {
        try (Stream<Path> all = Files.walk(directory)) {
            List<Path> files = all.filter(Files::isRegularFile).toList();
            List<Path> elf = new ArrayList<>();
            for (Path file : files) {
                if (ElfFile.is(file)) {
                    elf.add(file);
                }
            }
            return elf;
        }
    }

    private static boolean isNewer(String version) {
        return version.matches("GLIBC_2\\.\\d+") && Integer.parseInt(version.substring(8)) > MINOR;
    }
}
