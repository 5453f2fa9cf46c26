package io.framecast.tools;

import io.framecast.FramecastException;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ScopeType;

/** The command line. Leaves with 0 when done, 1 when it failed, 2 when it was used wrongly, 130 when interrupted. */
@Command(
        name = "framecast",
        description = "Next-frame video prediction with ConvLSTM networks.",
        mixinStandardHelpOptions = true,
        version = "framecast " + Main.VERSION,
        scope = ScopeType.INHERIT,
        usageHelpAutoWidth = true,
        subcommands = {DemoCommand.class, TrainCommand.class, InitCommand.class, PredictCommand.class,
            GifsCommand.class, EvaluateCommand.class, DataCommand.class, BenchCommand.class, DevicesCommand.class})
public final class Main {

    static final String VERSION = "0.1.0";
    private static final int FAILED = 1;
    private static final int BAD_USAGE = 2;
    static final int INTERRUPTED = 130;

    @Option(names = "--stacktrace", scope = ScopeType.INHERIT, description = "Show where an error came from.")
    private boolean stacktrace;

    public static void main(String[] args) {
        System.setProperty("java.awt.headless", "true");
        System.exit(run(args));
    }

    /** Runs a command and returns its exit status. */
    static int run(String... args) {
        Main main = new Main();
        try {
            return new CommandLine(main)
                    .setCaseInsensitiveEnumValuesAllowed(true)
                    .setParameterExceptionHandler((e, arguments) -> badUsage(e))
                    .setExecutionExceptionHandler((e, command, result) -> main.failed(e))
                    .execute(args);
        } catch (OutOfMemoryError | LinkageError e) { // The handler above is given exceptions only.
            return main.failed(e);
        }
    }

    private static int badUsage(ParameterException e) {
        System.err.println("framecast: " + e.getMessage());
        System.err.println("Try: " + e.getCommandLine().getCommandSpec().qualifiedName() + " --help");
        return BAD_USAGE;
    }

    private int failed(Throwable e) {
        System.err.println("framecast: " + sentence(e));
        if (stacktrace) {
            e.printStackTrace();
        }
        return e instanceof Options.UsageException ? BAD_USAGE : FAILED;
    }

    /** What was wrong and what to do. */
    static String sentence(Throwable e) {
        if (e instanceof FramecastException) {
            return e.getMessage();
        }
        if (e instanceof OutOfMemoryError) {
            return "The Java heap of " + Runtime.getRuntime().maxMemory() / (1 << 20)
                    + " MB is full; use fewer or smaller videos, or give more by JAVA_TOOL_OPTIONS=-Xmx...";
        }
        return "An error inside Framecast: " + e + " (--stacktrace shows where).";
    }
}
