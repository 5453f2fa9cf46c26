package io.framecast.softgpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A program of the driver API without Java: driver_program.cpp, made with the compiler that made the device. */
class DriverProgramTest {

    @Test
    void runsAProgramInCpp(@TempDir Path directory) throws Exception {
        SoftGpu.load();
        Path driver = Path.of(SoftGpu.loadedDriver().orElseThrow());
        Path source = Path.of(DriverProgramTest.class.getResource("driver_program.cpp").toURI());
        Path program = directory.resolve("program");
        assertEquals("", output(new ProcessBuilder("g++", "-std=c++17", "-Wall", "-o", program.toString(),
                source.toString(), driver.toString())));
        ProcessBuilder run = new ProcessBuilder(program.toString());
        run.environment().put("LD_LIBRARY_PATH", driver.getParent().toString());
        run.environment().put("FRAMECAST_SOFTGPU", "compute=90");       // has clusters
        assertEquals("done\n", output(run));
    }

    private static String output(ProcessBuilder builder) throws IOException, InterruptedException {
        Process process = builder.redirectErrorStream(true).start();
        try {
            String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            assertTrue(process.waitFor(60, TimeUnit.SECONDS));
            assertEquals(0, process.exitValue(), output);
            return output;
        } finally {
            process.destroyForcibly();
        }
    }
}
