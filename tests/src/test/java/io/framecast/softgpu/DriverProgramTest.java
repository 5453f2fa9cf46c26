package io.framecast.softgpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Programs of the driver API without Java, made with the compiler that made the device. */
class DriverProgramTest {

    private static final String STOPPED =
            "framecast softgpu: kernel counting still ran when the process ended: it was stopped\n";

    @TempDir
    private Path directory;
    private Path driver;

    @BeforeEach
    void load() {
        SoftGpu.load();
        driver = Path.of(SoftGpu.loadedDriver().orElseThrow());
    }

    @Test
    void runsAProgramInCpp() throws Exception {
        assertEquals("""
                framecast softgpu: a launch of bump with 1x1x1 blocks of 2048x1x1 threads and 0 bytes of dynamic shared \
                memory is refused: a block has at most 1024 x 1024 x 64 threads
                framecast softgpu: cuLaunchKernelEx: the launch attribute programmatic event is not provided
                done
                """, output(0, program("driver_program.cpp", "compute=90")));
    }

    @Test
    void runsAProgramOfGraphs() throws Exception {
        String output = output(0, program("graph_program.cpp", "", directory.resolve("graph.dot").toString()));
        assertEquals("""
                framecast softgpu: cuGraphAddNode_v2: nodes of type 12 are not provided
                framecast softgpu: cuGraphAddNode_v2: a child graph that moves into its parent is not provided
                framecast softgpu: cuGraphAddDependencies_v2: programmatic edges are not provided
                framecast softgpu: cuGraphRemoveDependencies_v2: programmatic edges are not provided
                framecast softgpu: cuGraphAddNode_v2: programmatic edges are not provided
                framecast softgpu: cuStreamUpdateCaptureDependencies_v2: programmatic edges are not provided
                framecast softgpu: a graph launches a kernel of a module that was unloaded
                done
                """, output);
    }

    /** A kernel that ends soon does so, as does one that an exit handler launches; another is stopped. */
    @Test
    void endsAProcessWhoseKernelsNobodyWaitsFor() throws Exception {
        assertEquals("unloaded: 0, counted: all\n", ending("finite"));
        assertEquals("unloaded: 0, counted: all\n", ending("finite at the end"));
        assertEquals(STOPPED + "unloaded: 4, counted: some\n", ending("endless"));
    }

    /** The report is there, and no crash. */
    @Test
    void reportsAFaultThatHappensWhileTheProcessEnds() throws Exception {
        String output = ending("failing");
        assertTrue(output.contains("trap instruction") && output.contains("unloaded: 719"), output);
    }

    @Test
    void endsAProcessInWhichAThreadWaitsForAKernel() throws Exception {
        assertEquals(STOPPED + "unloaded: 4, counted: some\n", ending("awaited"));
    }

    /** It leaves its memory to the end of the process. */
    private String ending(String kernel) throws Exception {
        return output(7, program("ending_program.cpp", "checks=all+-leaks", kernel));
    }

    private ProcessBuilder program(String name, String settings, String... arguments) throws Exception {
        Path source = Path.of(DriverProgramTest.class.getResource(name).toURI());
        Path program = directory.resolve("program");
        assertEquals("", output(0, new ProcessBuilder("g++", "-std=c++17", "-Wall", "-pthread", "-o",
                program.toString(), source.toString(), driver.toString())));
        ProcessBuilder run = new ProcessBuilder(program.toString());
        run.command().addAll(List.of(arguments));
        run.environment().put("LD_LIBRARY_PATH", driver.getParent().toString());
        run.environment().put("FRAMECAST_SOFTGPU", settings);
        return run;
    }

    /** All that it prints; it must end with this status. */
    private static String output(int status, ProcessBuilder builder) throws IOException, InterruptedException {
        Process process = builder.redirectErrorStream(true).start();
        try {
            String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            assertTrue(process.waitFor(60, TimeUnit.SECONDS));
            assertEquals(status, process.exitValue(), output);
            return output;
        } finally {
            process.destroyForcibly();
        }
    }
}
