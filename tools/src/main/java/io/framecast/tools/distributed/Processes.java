package io.framecast.tools.distributed;

import io.framecast.backend.ProcessFailedException;
import io.framecast.backend.ProcessGroup;
import io.framecast.data.Videos;
import io.framecast.distributed.Agreement;
import io.framecast.distributed.MpiProcessGroup;
import io.framecast.system.Processor;
import io.framecast.text.Count;
import io.framecast.text.Quote;
import io.framecast.tools.terminal.Terminal;
import io.framecast.train.Checkpoint;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.function.Supplier;
import java.util.zip.CRC32C;

/**
 * The processes of one command, that mpirun or srun has started. Process 0 alone writes files and speaks to the user.
 */
public final class Processes {

    private static final long EXIT_MILLIS = 3000;
    private static final long SPEAK_MILLIS = 2000;

    private static ProcessGroup group = ProcessGroup.SINGLE;
    /** Standard error, where this process does not print other things; else null. */
    private static PrintStream err;

    private Processes() {
    }

    /** Lets only the first of the processes that a launcher has started print. */
    public static void hushOthers() {
        if (MpiProcessGroup.launchedRank(System.getenv()) > 0) {
            err = System.err;
            PrintStream nowhere = new PrintStream(OutputStream.nullOutputStream());
            System.setOut(nowhere);
            System.setErr(nowhere);
        }
    }

    /** Waits, if this is not the first: the launcher ends all when one fails, and the first says why. */
    private static void letFirstSpeak() {
        if (err != null) {
            sleep(SPEAK_MILLIS);
        }
    }

    private static void sleep(long millis) {
        try {
            Thread.sleep(millis);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Whether a launcher has started this process with others. */
    public static boolean isLaunched() {
        return MpiProcessGroup.launchedSize(System.getenv()) != 1;
    }

    /**
     * Joins the processes that were started with this one.
     *
     * @throws io.framecast.FramecastException if there is no MPI, or not that of the launcher
     */
    public static void join() {
        group = MpiProcessGroup.join(System.getenv(), Processes::endLate);
    }

    /** The processes of this command; one, if no launcher has started it. */
    public static ProcessGroup group() {
        return group;
    }

    /** Whether this is the process that writes files and speaks to the user. */
    public static boolean isFirst() {
        return group.rank() == 0;
    }

    /** Does something in the first process, and then in all others, which may use what the first has written. */
    public static <T> T firstBefore(Supplier<T> work) {
        if (isFirst()) {
            T result = work.get();
            group.allGather(0);
            return result;
        }
        group.allGather(0);
        return work.get();
    }

    /**
     * Requires that all processes forecast the same.
     *
     * @param options that decide what is forecast
     * @throws io.framecast.FramecastException in all processes, if one has something else
     */
    public static void requireSame(Checkpoint model, Videos videos, String options) {
        if (group.size() > 1) {
            Agreement agreement = new Agreement().add(options).add(videos.count() + " " + videos.frames())
                    .add(videos.get(0).values());
            model.parameters().forEach((name, tensor) -> agreement.add(name).add(tensor.values()));
            agreement.require(group, "was given another checkpoint, other videos or other options than process 0; give "
                    + "all the same.");
        }
    }

    /**
     * The threads that this process should compute with: the processors that it may use, shared with the processes of
     * this machine that may use the same. Collective.
     */
    public static int threads() {
        int processors = Processor.threads();
        if (group.size() == 1) {
            return processors;
        }
        CRC32C same = new CRC32C();
        same.update((host() + processorList()).getBytes(StandardCharsets.UTF_8));
        double[] all = group.allGather(same.getValue());
        int sharing = (int) Arrays.stream(all).filter(other -> other == all[group.rank()]).count();
        int machine = machineProcessors();
        if (processors < machine / group.localSize()) {
            Terminal.note("the launcher has bound each process to " + Count.of(processors, "processor") + " of "
                    + machine + "; to use all of them, give mpirun --bind-to none.");
        }
        return Math.max(1, processors / sharing);
    }

    private static String host() {
        try {
            return Files.readString(Path.of("/proc/sys/kernel/hostname"));
        } catch (IOException e) {
            return "";
        }
    }

    /** The processors that this process is bound to, as the kernel lists them. */
    private static String processorList() {
        try {
            return Files.readAllLines(Path.of("/proc/self/status")).stream()
                    .filter(line -> line.startsWith("Cpus_allowed_list")).findFirst().orElse("");
        } catch (IOException e) {
            return "";
        }
    }

    private static int machineProcessors() {
        try {
            return (int) Files.readAllLines(Path.of("/proc/cpuinfo")).stream()
                    .filter(line -> line.startsWith("processor")).count();
        } catch (IOException e) {
            return 0;
        }
    }

    /**
     * Reports the failure of this process, once for all processes, and ends them all. Call it last: the group cannot be
     * used after.
     *
     * @param e what failed
     * @param sentence what to tell the user
     * @param stackTrace whether to print where the failure came from, too
     */
    public static void fail(Throwable e, String sentence, boolean stackTrace) {
        boolean heard = e instanceof ProcessFailedException;
        if (group.size() == 1) {
            letFirstSpeak(); // Unless it can join the others, and so waits for this process.
            print(e, sentence, stackTrace);
        } else if (isFirst()) {
            print(e, sentence, stackTrace);
            group.fail(sentence);
        } else if (!group.fail(sentence) && !heard) {
            print(e, sentence, stackTrace);
        }
    }

    /** Reports wrong usage, for which no process has joined the others. */
    public static void failBeforeJoining(String... lines) {
        letFirstSpeak();
        for (String line : lines) {
            errors().println(line);
        }
    }

    private static void print(Throwable e, String sentence, boolean stackTrace) {
        print(sentence);
        if (stackTrace) {
            e.printStackTrace(errors());
        }
    }

    private static void print(String sentence) {
        errors().println("framecast: " + Quote.line(sentence));
    }

    /** Standard error, in any process. */
    private static PrintStream errors() {
        return err == null ? System.err : err;
    }

    /** Leaves the group when the work is done, after all others have come here. */
    public static void leave() {
        group.close();
    }

    /** Ends this process, which does not notice that another has failed. */
    private static void endLate(String sentence) {
        if (isFirst()) {
            print(sentence);
            group.fail(sentence);
        }
        new Thread(() -> System.exit(1), "framecast-exit").start();
        sleep(EXIT_MILLIS); // For what is done at the exit, such as deleting temporary files.
        Runtime.getRuntime().halt(1);
    }
}
