package io.framecast.tools;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.framecast.backend.TestDevice;
import io.framecast.backend.cuda.compiler.TestCompiler;
import io.framecast.softgpu.SoftGpu;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;

/** Runs the command line in this process, and captures its output. */
final class Cli {

    record Result(List<String> arguments, int status, String out, String err) {

        /** Asserts success, without output on standard error. */
        Result done() {
            assertEquals(0, status, this::toString);
            assertEquals("", err, this::toString);
            return this;
        }

        /** Asserts the exit status, and a message of one sentence that contains these parts. */
        Result refused(int expectedStatus, String... says) {
            assertEquals(expectedStatus, status, this::toString);
            List<String> lines = err.lines().toList();
            assertEquals(1, lines.stream().filter(line -> line.startsWith("framecast: ")).count(), this::toString);
            // For wrong usage a line about --help is added.
            assertTrue(lines.size() == 1 || expectedStatus == 2 && lines.size() == 2
                    && lines.get(1).startsWith("Try: "),
                    this::toString);
            assertFalse(err.contains("Exception") || err.contains("\tat ") || err.contains("inside Framecast"),
                    this::toString);
            for (String part : says) {
                assertTrue(lines.get(0).contains(part), () -> "\"" + part + "\" expected of " + this);
            }
            return this;
        }
    }

    private Cli() {
    }

    /** Commands that compute. */
    private static final Set<String> COMPUTING = Set.of("train", "predict", "evaluate", "gifs", "demo", "bench",
            "tune");

    /** The arguments, with the CPU as the default device: {@code auto} would use the GPU of a GPU machine. */
    static List<String> onCpu(List<String> arguments) {
        if (arguments.isEmpty() || !COMPUTING.contains(arguments.get(0)) || arguments.contains("--device")) {
            return arguments;
        }
        List<String> all = new ArrayList<>(arguments);
        all.addAll(1, List.of("--device", "cpu"));
        return all;
    }

    /** Runs a command: arguments separated by spaces, then more arguments, which may contain spaces. */
    static Result run(String command, Object... more) {
        String[] first = command.isEmpty() ? new String[0] : command.split(" ");
        String[] arguments = Arrays.copyOf(first, first.length + more.length);
        for (int k = 0; k < more.length; k++) {
            arguments[first.length + k] = more[k].toString();
        }
        if (TestDevice.SOFTWARE) {
            // A process can load one driver: on a GPU machine, "devices" would load NVIDIA's, and the tests of the
            // software device could not run.
            SoftGpu.load();
        }
        if (List.of(arguments).contains(TestDevice.CUDA.toString())) {
            TestCompiler.load(); // Not by the command, which would tell of it.
        }
        PrintStream out = System.out;
        PrintStream err = System.err;
        ByteArrayOutputStream said = new ByteArrayOutputStream();
        ByteArrayOutputStream complained = new ByteArrayOutputStream();
        try {
            System.setOut(new PrintStream(said, true, StandardCharsets.UTF_8));
            System.setErr(new PrintStream(complained, true, StandardCharsets.UTF_8));
            int status = Main.run(onCpu(List.of(arguments)).toArray(String[]::new));
            return new Result(List.of(arguments), status, said.toString(StandardCharsets.UTF_8),
                    complained.toString(StandardCharsets.UTF_8));
        } finally {
            System.setOut(out);
            System.setErr(err);
        }
    }
}
