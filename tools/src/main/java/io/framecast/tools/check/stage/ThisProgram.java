package io.framecast.tools.check.stage;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * This program, to be run once more.
 *
 * @param main its main class
 */
public record ThisProgram(Class<?> main) {

    private static final Path EXECUTABLE = Path.of("/proc/self/exe");

    /** The command that runs it: the same Java and class path; or the same program, if that is not {@code java}. */
    public List<String> command(String... arguments) {
        List<String> command = new ArrayList<>();
        Optional<Path> launcher = launcher();
        if (launcher.isPresent()) {
            command.add(launcher.get().toString());
            command.addAll(Arrays.asList(arguments));
            return command;
        }
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.add("--enable-native-access=ALL-UNNAMED");
        // The launcher names the directory of jars by a file descriptor that a child does not have.
        command.addAll(List.of("-cp", System.getProperty("java.class.path").replace("/proc/self/",
                "/proc/" + ProcessHandle.current().pid() + "/"), main.getName()));
        command.addAll(Arrays.asList(arguments));
        return command;
    }

    /** The program that has started Java in its own process, as that of a bundle does. */
    private static Optional<Path> launcher() {
        try {
            Path executable = EXECUTABLE.toRealPath();
            return Optional.of(executable).filter(path -> !path.endsWith("java"));
        } catch (IOException e) {
            return Optional.empty();
        }
    }
}
