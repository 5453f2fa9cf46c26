package io.framecast;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;

/** A Java process of its own, for what a process can be or do but once. */
public final class ChildJvm {

    private final List<String> prefix = new ArrayList<>();
    private final List<String> options = new ArrayList<>();
    private final ProcessBuilder builder = new ProcessBuilder();
    private String classPath = System.getProperty("java.class.path");

    /** What starts it, such as a shell that limits it. */
    public ChildJvm under(String... command) {
        prefix.addAll(Arrays.asList(command));
        return this;
    }

    public ChildJvm property(String name, Object value) {
        options.add("-D" + name + "=" + value);
        return this;
    }

    /** @param value null to unset it */
    public ChildJvm environment(String name, Object value) {
        Map<String, String> environment = builder.environment();
        if (value == null) {
            environment.remove(name);
        } else {
            environment.put(name, value.toString());
        }
        return this;
    }

    /** Leaves a jar of this name out of the class path. */
    public ChildJvm withoutJar(String name) {
        classPath = Arrays.stream(classPath.split(File.pathSeparator)).filter(path -> !path.endsWith("/" + name))
                .collect(Collectors.joining(File.pathSeparator));
        return this;
    }

    public ChildJvm in(Path directory) {
        builder.directory(directory.toFile());
        return this;
    }

    /** Runs a class to its good end, and returns what it says, on standard error, too. */
    public String run(Class<?> main, Object... arguments) throws Exception {
        return run(true, main, arguments);
    }

    /** The same to any end. */
    public String runToAnyEnd(Class<?> main, Object... arguments) throws Exception {
        return run(false, main, arguments);
    }

    private String run(boolean good, Class<?> main, Object... arguments) throws Exception {
        List<String> command = new ArrayList<>(prefix);
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        if (Runtime.version().feature() >= 24) {
            command.add("--enable-native-access=ALL-UNNAMED"); // It warns of native libraries otherwise.
        }
        command.addAll(options);
        command.addAll(List.of("-cp", classPath, main.getName()));
        Arrays.stream(arguments).map(Object::toString).forEach(command::add);
        Process process = builder.command(command).redirectErrorStream(true).start();
        try {
            String output = process.inputReader(StandardCharsets.UTF_8).lines()
                    .filter(line -> !line.startsWith("Picked up ")).collect(Collectors.joining("\n"));
            assertTrue(process.waitFor(30, TimeUnit.SECONDS));
            assertTrue(!good || process.exitValue() == 0, output);
            return output;
        } finally {
            process.destroyForcibly();
        }
    }

    /** Compiles a shared library. */
    public static Path compile(Path library, String source, String... options)
            throws IOException, InterruptedException {
        Path file = Files.writeString(library.resolveSibling(library.getFileName() + ".cpp"), source);
        List<String> command = new ArrayList<>(List.of("g++", "-shared", "-fPIC", "-o", library.toString(),
                file.toString()));
        command.addAll(Arrays.asList(options));
        assertEquals(0, new ProcessBuilder(command).inheritIO().start().waitFor());
        Files.delete(file);
        return library;
    }
}
