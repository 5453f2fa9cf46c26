package io.framecast.tools.check.stage;

import io.framecast.FramecastException;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** Processes with a time limit: this program once more, and others. */
public final class ChildProcess {

    /** Ended with this process. */
    private static final Set<Process> RUNNING = ConcurrentHashMap.newKeySet();

    static {
        Runtime.getRuntime().addShutdownHook(new Thread(() -> RUNNING.forEach(ChildProcess::kill)));
    }

    /** How long a process may take to end when it is asked to. */
    private static final int GRACE_SECONDS = 3;

    /**
     * A process that has ended.
     *
     * @param status its exit status; of one that a signal ended, 128 and the signal's number
     * @param timedOut whether it was ended because it took too long
     * @param output the end of what it printed, standard error included
     */
    public record Ended(int status, boolean timedOut, String output) {

        /** How it ended, as the end of a sentence; null if it ended well. */
        public String failure() {
            if (timedOut) {
                return "took too long and was ended";
            }
            return status == 0 ? null : "ended with status " + status + lastLine();
        }

        /** The last line that it printed, in brackets. */
        private String lastLine() {
            String[] lines = output.strip().split("\n");
            return output.isBlank() ? "" : " (" + lines[lines.length - 1].strip() + ")";
        }
    }

    private ChildProcess() {
    }

    /** Runs a command to its end. */
    public static Ended run(List<String> command, double seconds) {
        return run(command, Map.of(), seconds);
    }

    /**
     * Runs a command to its end, or for so many seconds.
     *
     * @param environment further variables
     * @throws FramecastException if it cannot be started
     */
    public static Ended run(List<String> command, Map<String, String> environment, double seconds) {
        ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true)
                .redirectInput(new File("/dev/null"));
        builder.environment().putAll(environment);
        Process process;
        try {
            process = builder.start();
        } catch (IOException e) {
            throw new FramecastException("Cannot run " + command.get(0) + ": " + e.getMessage() + ".", e);
        }
        RUNNING.add(process);
        try {
            OutputEnd output = new OutputEnd(process.getInputStream());
            boolean ended = process.waitFor((long) (seconds * 1e3), TimeUnit.MILLISECONDS);
            end(process);
            return new Ended(process.exitValue(), !ended, output.text());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new FramecastException("Interrupted.", e);
        } finally {
            kill(process);
            RUNNING.remove(process);
        }
    }

    private static void kill(Process process) {
        process.descendants().forEach(ProcessHandle::destroyForcibly);
        process.destroyForcibly();
    }

    /** Ends a process and its children if it has not ended by itself. */
    private static void end(Process process) throws InterruptedException {
        if (process.isAlive()) {
            List<ProcessHandle> children = process.descendants().toList();
            process.destroy();
            process.waitFor(GRACE_SECONDS, TimeUnit.SECONDS);
            children.forEach(ProcessHandle::destroyForcibly);
            process.destroyForcibly();
            process.waitFor();
        }
    }

    /** The program of this name on the PATH, or in one of these directories. */
    public static Optional<Path> find(String name, List<Path> directories) {
        Stream<Path> path = Arrays.stream(System.getenv().getOrDefault("PATH", "").split(File.pathSeparator))
                .filter(entry -> !entry.isEmpty()).map(Path::of);
        return Stream.concat(path, directories.stream()).map(directory -> directory.resolve(name))
                .filter(Files::isExecutable).findFirst();
    }
}
