package io.framecast.tools;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.abort;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The default number of threads. Each case needs a separate process. */
@Timeout(60)
class ThreadsTest {

    private static final Pattern COUNT = Pattern.compile("(\\d+ threads?), (?:oneDNN|all checks)");

    /** The numbers of threads that {@code devices} prints for the CPU and for the software device. */
    private static List<String> threads(List<String> prefix, String... options) throws Exception {
        List<String> command = new ArrayList<>(prefix);
        command.addAll(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-Xmx256m"));
        command.addAll(List.of(options));
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), "io.framecast.tools.Main", "devices"));
        ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
        builder.environment().keySet().removeIf(name -> name.startsWith("OMP_") || name.equals("FRAMECAST_SOFTGPU"));
        Process process = builder.start();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        process.waitFor(30, TimeUnit.SECONDS);
        assertEquals(0, process.exitValue(), said);
        List<String> counts = new ArrayList<>();
        for (Matcher matcher = COUNT.matcher(said); matcher.find();) {
            counts.add(matcher.group(1));
        }
        // With NVIDIA's driver, the software device is not opened.
        assertEquals(Files.exists(Path.of("/dev/nvidiactl")) ? 1 : 2, counts.size(), said);
        return counts;
    }

    private static void assertAll(String expected, List<String> counts) {
        counts.forEach(count -> assertEquals(expected, count, counts::toString));
    }

    /** More processors than this machine has, so that libraries can know the number only from the JVM. */
    @Test
    void theJvmSaysHowMany() throws Exception {
        assertAll("1 thread", threads(List.of(), "-XX:ActiveProcessorCount=1"));
        assertAll("37 threads", threads(List.of(), "-XX:ActiveProcessorCount=37"));
    }

    @Test
    void aBoundProcessHasAsManyAsItsProcessors() throws Exception {
        assumeTrue(Files.isExecutable(Path.of("/usr/bin/taskset")), "there is no taskset(1)");
        String first = Files.readAllLines(Path.of("/proc/self/status")).stream()
                .filter(line -> line.startsWith("Cpus_allowed_list:")).findFirst().orElseThrow()
                .replaceFirst(".*:\\s*(\\d+).*", "$1");
        assertAll("1 thread", threads(List.of("/usr/bin/taskset", "-c", first)));
    }

    /** Like a container with the CPU time of one processor on a machine with many. */
    @Test
    void aControlGroupWithAQuotaHasAsManyAsThatPaysFor() throws Exception {
        assumeTrue(Runtime.getRuntime().availableProcessors() > 1, "there is one processor anyway");
        Path v1 = Path.of("/sys/fs/cgroup/cpu");
        Path group = (Files.isDirectory(v1) ? v1 : Path.of("/sys/fs/cgroup")).resolve("framecast-test-"
                + ProcessHandle.current().pid());
        try {
            Files.createDirectory(group);
        } catch (IOException e) {
            abort("no control group can be made here: " + e);
        }
        try {
            if (Files.exists(group.resolve("cpu.cfs_quota_us"))) {
                Files.writeString(group.resolve("cpu.cfs_period_us"), "100000");
                Files.writeString(group.resolve("cpu.cfs_quota_us"), "100000");
            } else {
                assumeTrue(Files.exists(group.resolve("cpu.max")), "control groups have no limit of processors here");
                Files.writeString(group.resolve("cpu.max"), "100000 100000");
            }
            assertAll("1 thread", threads(List.of("sh", "-c", String.format(Locale.ROOT,
                    "echo $$ > %s/cgroup.procs && exec \"$@\"", group), "sh")));
        } finally {
            Files.delete(group);
        }
    }
}
