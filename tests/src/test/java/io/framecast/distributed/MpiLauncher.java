package io.framecast.distributed;

import io.framecast.ChildJvm;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;

/**
 * An mpirun of this machine.
 *
 * @param name of its MPI
 * @param command with its options, but for the number of processes
 */
public record MpiLauncher(String name, List<String> command) {

    /** Those that are there, with their mpicc. Skips the test if there is none. */
    public static Stream<MpiLauncher> all() {
        List<MpiLauncher> found = new ArrayList<>();
        if (isThere("mpirun.openmpi") && isThere("mpicc.openmpi")) {
            // More processes than cores, and as root in containers.
            found.add(new MpiLauncher("Open MPI", List.of("mpirun.openmpi", "--allow-run-as-root", "--oversubscribe",
                    "--bind-to", "none")));
        }
        if (isThere("mpirun.mpich") && isThere("mpicc.mpich")) {
            found.add(new MpiLauncher("MPICH", List.of("mpirun.mpich")));
        }
        Assumptions.assumeFalse(found.isEmpty(),
                "There is no MPI here; to run these tests: apt-get install libopenmpi-dev openmpi-bin");
        return found.stream();
    }

    /** The first of them. */
    public static MpiLauncher any() {
        return all().findFirst().orElseThrow();
    }

    private static boolean isThere(String program) {
        return Arrays.stream(System.getenv("PATH").split(":"))
                .anyMatch(directory -> Files.isExecutable(Path.of(directory, program)));
    }

    /** The command that starts so many processes. */
    public List<String> start(int processes) {
        List<String> all = new ArrayList<>(command);
        all.addAll(List.of("-n", String.valueOf(processes)));
        return all;
    }

    /** Java processes. */
    public ChildJvm jvms(int processes) {
        return new ChildJvm().under(start(processes).toArray(String[]::new));
    }

    @Override
    public String toString() {
        return name;
    }
}
