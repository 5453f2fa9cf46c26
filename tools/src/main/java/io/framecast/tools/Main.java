package io.framecast.tools;

import io.framecast.FramecastException;
import io.framecast.data.ScaleException;
import io.framecast.text.Quote;
import io.framecast.tools.distributed.Processes;
import io.framecast.tools.distributed.SharedCommand;
import io.framecast.tools.option.FileName;
import io.framecast.tools.option.NpyOptions;
import io.framecast.tools.option.Options;
import io.framecast.tools.option.Remedies;
import io.framecast.tools.terminal.StandardOutput;
import io.framecast.tools.terminal.Terminal;
import java.io.UncheckedIOException;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine;

/** The command line. Exit status: 0 success, 1 failure, 2 wrong usage, 130 interrupted. */
@Command(
        name = "framecast",
        description = "Next-frame video prediction with ConvLSTM networks.",
        mixinStandardHelpOptions = true,
        version = "framecast " + Main.VERSION,
        scope = ScopeType.INHERIT,
        usageHelpAutoWidth = true,
        subcommands = {DemoCommand.class, TrainCommand.class, InitCommand.class, ImportCommand.class,
            ExportCommand.class, PredictCommand.class,
            GifsCommand.class, EvaluateCommand.class, TuneCommand.class, DataCommand.class, BenchCommand.class,
            DevicesCommand.class, CheckCommand.class, CheckStageCommand.class})
public final class Main {

    static final String VERSION = "0.1.0";
    private static final int FAILED = 1;
    private static final int BAD_USAGE = 2;
    static final int INTERRUPTED = 130;

    @Option(names = "--stacktrace", scope = ScopeType.INHERIT, description = "Show where an error came from.")
    private boolean stacktrace;

    public static void main(String[] args) {
        System.setProperty("java.awt.headless", "true");
        StandardOutput.take();
        Processes.hushOthers();
        System.exit(run(args));
    }

    /** Runs a command and returns its exit status. */
    static int run(String... args) {
        Main main = new Main();
        try {
            CommandLine line = line(main).setParameterExceptionHandler((e, arguments) -> badUsage(e))
                    .setExecutionExceptionHandler((e, command, result) -> main.failed(e))
                    .setExecutionStrategy(main::execute);
            int status = line.execute(args);
            return status == 0 && System.out.checkError() ? lost(line.getParseResult().subcommand()) : status;
        } catch (Error e) { // The handler above receives exceptions only.
            return main.failed(e);
        }
    }

    /** Runs a command, with the processes that were started with this one. */
    private int execute(ParseResult words) {
        if (Processes.isLaunched() && isWork(words)) {
            List<CommandLine> commands = words.asCommandLineList();
            CommandLine command = commands.get(commands.size() - 1);
            try {
                Options.require(command.getCommand() instanceof SharedCommand,
                        command.getCommandSpec().qualifiedName() + " works in one process; start it without mpirun "
                        + "(train, evaluate, predict and bench share their work).");
                Processes.join();
            } catch (FramecastException e) {
                return failed(e);
            }
        }
        int status = new CommandLine.RunLast().execute(words);
        try {
            Processes.leave();
        } catch (FramecastException e) {
            return failed(e);
        }
        return status;
    }

    private static boolean isWork(ParseResult words) {
        return words.hasSubcommand() && words.asCommandLineList().stream().map(CommandLine::getParseResult)
                .noneMatch(part -> part.isUsageHelpRequested() || part.isVersionHelpRequested());
    }

    /** A command, by which words become values of options. */
    static CommandLine line(Object command) {
        return new CommandLine(command).setCaseInsensitiveEnumValuesAllowed(true)
                .registerConverter(Path.class, new FileName()).setDefaultValueProvider(new Defaults());
    }

    /**
     * The exit status if standard output could not be written. That is a failure, except for a training: its results
     * are in its files, so that it continues when its terminal or the reader of its pipe has gone.
     *
     * @param command null if there was none, only --help or --version
     * @return the exit status
     */
    private static int lost(ParseResult command) {
        Object object = command == null ? null : command.commandSpec().userObject();
        boolean trained = object instanceof TrainCommand || object instanceof DemoCommand;
        if (!StandardOutput.isPipe()) { // A closed pipe, as with head, needs no message.
            String message = "Cannot write to standard output: " + StandardOutput.failure() + ".";
            if (trained) {
                Terminal.warn(message);
            } else {
                System.err.println("framecast: " + message);
            }
        }
        return trained ? 0 : FAILED;
    }

    private static int badUsage(ParameterException e) {
        Processes.failBeforeJoining("framecast: " + Quote.line(Options.inUserWords(e)),
                "Try: " + e.getCommandLine().getCommandSpec().qualifiedName() + " --help");
        return BAD_USAGE;
    }

    private int failed(Throwable e) {
        Processes.fail(e, sentence(e), stacktrace);
        return e instanceof Options.UsageException ? BAD_USAGE : FAILED;
    }

    /** The message of an exception, as a sentence. */
    static String sentence(Throwable e) {
        String message = String.valueOf(e.getMessage());
        if (e instanceof ScaleException scale) {
            return NpyOptions.sentence(scale);
        }
        if (e instanceof FramecastException known) {
            return Remedies.sentence(known);
        }
        if (e instanceof OutOfMemoryError && message.contains("native thread")) {
            return "The system lets this process start no further thread; give it more by ulimit -u, or the container "
                    + "by its limit of processes.";
        }
        if (e instanceof OutOfMemoryError) {
            return "The Java heap of " + Runtime.getRuntime().maxMemory() / (1 << 20) + " MB is full; use fewer or "
                    + "smaller videos, or give more by JAVA_TOOL_OPTIONS=-Xmx...";
        }
        if (e instanceof StackOverflowError) {
            return "Something in the input is nested too deeply for the stack of a Java thread; give more by "
                    + "JAVA_TOOL_OPTIONS=-Xss16m.";
        }
        if (e instanceof LinkageError) {
            Throwable cause = e.getCause() == null ? e : e.getCause();
            return "A part of Framecast cannot be loaded (" + Quote.of(cause) + "); start it again if it was built or "
                    + "moved meanwhile, else build it anew.";
        }
        if (e instanceof InvalidPathException path) {
            return FileName.unusable(path);
        }
        if (e instanceof UncheckedIOException) {
            return "Reading or writing failed: " + e.getCause().getMessage() + ".";
        }
        return "An error inside Framecast: " + Quote.of(e) + " (--stacktrace shows where).";
    }
}
