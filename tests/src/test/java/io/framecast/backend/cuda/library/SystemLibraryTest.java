package io.framecast.backend.cuda.library;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.framecast.ChildJvm;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class SystemLibraryTest {

    private static final String FILE = "libframecasttest.so.9";

    @TempDir
    private Path directory;

    /** Loads the libraries named. */
    public static void main(String... files) {
        for (String file : files) {
            try {
                System.out.println("loaded" + SystemLibrary.note(SystemLibrary.load(file, System.getenv())));
            } catch (IOException e) {
                System.out.println(e.getClass().getSimpleName() + ": " + e.getMessage());
            }
        }
    }

    @Test
    void aBrokenOneThatIsFoundFirstDoesNotEndTheSearch() throws Exception {
        Path broken = Files.createDirectory(directory.resolve("broken"));
        Files.writeString(broken.resolve(FILE), "no library");
        Path needy = Files.createDirectory(directory.resolve("needy"));
        ChildJvm.compile(needy.resolve("libabsent.so"), "int absent() { return 1; }");
        ChildJvm.compile(needy.resolve(FILE), "int absent(); int needy() { return absent(); }", "-L" + needy,
                "-labsent");
        Files.delete(needy.resolve("libabsent.so"));
        Path good = Files.createDirectory(directory.resolve("good"));
        Path cuda = Files.createDirectories(directory.resolve("cuda/lib64"));
        Files.copy(ChildJvm.compile(good.resolve(FILE), "int good;"), cuda.resolve(FILE));
        for (String loaded : List.of(run(broken + ":" + needy + ":" + good, null),
                run(broken + ":" + needy, cuda.getParent()))) {
            assertTrue(loaded.startsWith("loaded (passed over: " + broken + "/" + FILE + ": ")
                    && loaded.contains(", libabsent.so: cannot open") && loaded.endsWith(")"), loaded);
            assertEquals(loaded.indexOf(FILE), loaded.lastIndexOf(FILE), loaded);
        }
        assertEquals("loaded", run(good.toString(), null));
        String none = run(broken + ":" + needy, null);
        assertTrue(none.startsWith("IOException: ") && none.contains(broken + "/" + FILE + ": ")
                && none.contains("; libabsent.so: cannot open shared object file"), none);
        assertEquals("NoSuchFileException: " + FILE, run(directory.toString(), null));
    }

    private static String run(String path, Path cuda) throws Exception {
        return new ChildJvm().environment("LD_LIBRARY_PATH", path).environment("CUDA_HOME", cuda)
                .run(SystemLibraryTest.class, FILE);
    }
}
