package io.framecast.tools.check.stage;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * This program, to be run once more.
 *
 * @param main its main class
 */
public record ThisProgram(Class<?> main) {

    /** The command that runs it, with the same Java and class path. */
    public List<String> command(String... arguments) {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.add("--enable-native-access=ALL-UNNAMED");
        // The launcher names the directory of jars by a file descriptor that a child does not have.
        command.addAll(List.of("-cp", System.getProperty("java.class.path").replace("/proc/self/",
                "/proc/" + ProcessHandle.current().pid() + "/"), main.getName()));
        command.addAll(Arrays.asList(arguments));
        return command;
    }
}
