package io.framecast.distributed;

import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What a launcher of MPI has told this process by environment variables.
 *
 * @param rank the number of this process; 0 if it is not told
 * @param size the number of processes; 0 if it is not told
 * @param compilers the names of mpicc to try, the one of the launcher's MPI first
 * @param packages what Debian calls the packages of that MPI
 */
record MpiLaunch(int rank, int size, List<String> compilers, String packages) {

    private static final List<String> OPEN_MPI = List.of("mpicc.openmpi", "mpicc");
    private static final List<String> MPICH = List.of("mpicc.mpich", "mpicc");

    /** Empty if no launcher has started this process. */
    static Optional<MpiLaunch> of(Map<String, String> environment) {
        if (environment.containsKey("OMPI_COMM_WORLD_SIZE")) {
            return Optional.of(launch(environment, "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", true));
        }
        // MPICH's and Intel's mpirun, and srun --mpi=pmi2.
        if (environment.containsKey("PMI_RANK")) {
            return Optional.of(launch(environment, "PMI_RANK", "PMI_SIZE", false));
        }
        // srun --mpi=pmix. Slurm's own variables are no sign: a script of sbatch has them, too.
        if (environment.containsKey("PMIX_RANK")) {
            return Optional.of(launch(environment, "PMIX_RANK", "SLURM_STEP_NUM_TASKS", true));
        }
        return Optional.empty();
    }

    private static MpiLaunch launch(Map<String, String> environment, String rank, String size,
            boolean openMpi) {
        String given = environment.get("MPICC");
        List<String> compilers = given != null && !given.isEmpty() ? List.of(given) : openMpi ? OPEN_MPI : MPICH;
        return new MpiLaunch(number(environment.get(rank)), number(environment.get(size)), compilers,
                openMpi ? "libopenmpi-dev openmpi-bin" : "libmpich-dev mpich");
    }

    private static int number(String text) {
        return text != null && text.matches("[0-9]{1,9}") ? Integer.parseInt(text) : 0;
    }
}
