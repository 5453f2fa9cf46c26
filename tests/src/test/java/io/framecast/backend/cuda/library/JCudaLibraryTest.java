package io.framecast.backend.cuda.library;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import io.framecast.ChildJvm;
import io.framecast.backend.cuda.compiler.TestCompiler;
import io.framecast.backend.cuda.driver.CudaDriver;
import io.framecast.backend.cuda.vendor.VendorLibrary;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import jcuda.JCudaVersion;
import jcuda.LibUtils;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(120)
class JCudaLibraryTest {

    @TempDir
    private Path directory;

    /** Uses all of JCuda's libraries, and prints the directory for temporary files. */
    public static void main(String... arguments) {
        System.out.println(CudaDriver.openSoftware().devices().size());
        VendorLibrary.CUDNN.describe();
        VendorLibrary.CUBLAS.describe();
        TestCompiler.load();
        System.out.println(System.getProperty("java.io.tmpdir"));
    }

    private static String file(String library) {
        return LibUtils.createLibraryFileName(LibUtils.createPlatformLibraryName(library + "-" + JCudaVersion.get()));
    }

    @Test
    void whatLiesAmongTheTemporaryFilesIsNotLoaded() throws Exception {
        TestCompiler.load(); // Fetched by this process if necessary, so that the other process finds it.
        Path ran = directory.resolve("ran");
        Path temporary = Files.createDirectory(directory.resolve("tmp"));
        List<String> libraries = List.of("JCudaDriver", "JCudnn", "JCublas2");
        for (String library : libraries) {
            ChildJvm.compile(temporary.resolve(file(library)), """
                    #include <fstream>
                    __attribute__((constructor)) static void run() { std::ofstream("%s") << "ran"; }
                    """.formatted(ran));
        }
        // An empty file of this name must not prevent loading.
        Files.write(temporary.resolve(file("JCudaDriver")), new byte[0]);
        String output = new ChildJvm().property("java.io.tmpdir", temporary).run(JCudaLibraryTest.class);
        assertEquals("1\n" + temporary, output);
        assertFalse(Files.exists(ran));
        try (Stream<Path> files = Files.list(temporary)) {
            assertEquals(libraries.stream().map(JCudaLibraryTest::file).sorted().toList(),
                    files.map(file -> file.getFileName().toString()).filter(name -> !name.startsWith("hsperfdata"))
                            .sorted().toList());
        }
    }

    @Test
    void aDamagedOneIsUnpackedAnew() throws Exception {
        Path cache = directory.resolve("cache");
        new ChildJvm().environment("FRAMECAST_CACHE", cache).environment("FRAMECAST_NVRTC", TestCompiler.directory())
                .run(JCudaLibraryTest.class);
        List<Path> unpacked;
        try (Stream<Path> files = Files.walk(cache)) {
            unpacked = files.filter(file -> file.getFileName().toString().startsWith("libJ")).toList();
        }
        assertEquals(3, unpacked.size(), unpacked.toString());
        Map<Path, byte[]> good = new HashMap<>();
        for (Path library : unpacked) {
            good.put(library, Files.readAllBytes(library));
            Files.write(library, new byte[0]);
        }
        new ChildJvm().environment("FRAMECAST_CACHE", cache).environment("FRAMECAST_NVRTC", TestCompiler.directory())
                .run(JCudaLibraryTest.class);
        for (Path library : unpacked) {
            assertArrayEquals(good.get(library), Files.readAllBytes(library), library.toString());
        }
    }
}
