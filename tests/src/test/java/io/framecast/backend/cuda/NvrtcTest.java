package io.framecast.backend.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.framecast.FramecastException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NvrtcTest {

    @TempDir
    private Path directory;

    private Path with(String name, String... files) throws IOException {
        Path made = Files.createDirectories(directory.resolve(name));
        for (String file : files) {
            Files.writeString(made.resolve(file), "");
        }
        return made;
    }

    private Nvrtc nvrtc(String given, Path... system) {
        Map<String, String> environment = given == null ? Map.of() : Map.of("FRAMECAST_NVRTC", given);
        NvrtcJar jar = new NvrtcJar(NvrtcJar.LIBRARIES, directory.resolve("cache"), List.of(), "https://repo.example",
                Duration.ZERO);
        return new Nvrtc(environment, List.of(system), jar);
    }

    @Test
    void looksWhereItIsToldThenInTheSystem() throws IOException {
        Path given = with("given", "libnvrtc.so.12", "libnvrtc-builtins.so.12.4");
        Path old = with("old", "libnvrtc.so.11.2", "libnvrtc-builtins.so.11.8");
        Path partial = with("partial", "libnvrtc.so.12", "libnvrtc-builtins.so.11.8");
        Path whole = with("whole", "libnvrtc.so.12", "libnvrtc.so.12.6.85", "libnvrtc-builtins.so.12.6");
        assertEquals(given, nvrtc(given.toString(), whole).directory());
        assertEquals(whole, nvrtc(null, old, partial, directory.resolve("none"), whole).directory());
        assertEquals("NVRTC 12 in " + whole, nvrtc("", whole).where());
    }

    @Test
    void saysWhereItWouldComeFrom() {
        assertEquals("not here yet; the first use takes it from https://repo.example/" + NvrtcJar.PATH,
                nvrtc(null).where());
    }

    @Test
    void refusesADirectoryWithoutIt() throws IOException {
        Path partial = with("partial", "libnvrtc.so.12");
        String message = assertThrows(FramecastException.class, () -> nvrtc(partial.toString()).directory())
                .getMessage();
        assertTrue(message.startsWith("FRAMECAST_NVRTC is " + partial + ", which has no libnvrtc.so.12"), message);
    }
}
