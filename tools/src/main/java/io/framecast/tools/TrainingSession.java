package io.framecast.tools;

import io.framecast.FramecastException;
import io.framecast.backend.Backend;
import io.framecast.data.Split;
import io.framecast.text.Count;
import io.framecast.tools.distributed.Processes;
import io.framecast.tools.option.Options;
import io.framecast.tools.option.Remedies;
import io.framecast.tools.terminal.TerminalProgress;
import io.framecast.train.Checkpoint;
import io.framecast.train.DivergedException;
import io.framecast.train.RunDirectory;
import io.framecast.train.Trainer;
import io.framecast.train.TrainingSettings;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import sun.misc.Signal;
import sun.misc.SignalHandler;

/** Training from the command line: progress on the terminal, and Ctrl-C. */
final class TrainingSession {

    private TrainingSession() {
    }

    /**
     * Signals that ask a process to end. A batch system sends XCPU at the time limit. QUIT is not one of them: a JVM
     * prints a thread dump and continues.
     */
    private static final List<String> SIGNALS = List.of("INT", "TERM", "HUP", "XCPU");

    /** Trains. After Ctrl-C or another of the {@link #SIGNALS} it finishes the step, saves the run and ends it. */
    static Trainer.Outcome train(Backend backend, Checkpoint start, Split split, TrainingSettings settings,
            RunDirectory run) {
        System.out.println("training: " + Count.of(split.training().count(), "video") + ", "
                + split.validation().count() + " to validate, batches of " + settings.batchSize());
        long made = start.training() == null ? 0 : start.training().progress().step();
        long left = settings.steps() == 0 ? Integer.MAX_VALUE : Math.max(0, settings.steps() - made);
        try (TerminalProgress progress = new TerminalProgress(settings.epochs(), left);
                Trainer trainer = new Trainer(backend, start, split.training(), split.validation(), settings, run,
                        progress)) {
            Stop stop = new Stop(trainer);
            Map<String, SignalHandler> before = new LinkedHashMap<>();
            SIGNALS.forEach(signal -> handle(signal, stop).ifPresent(handler -> before.put(signal, handler)));
            try {
                return trainer.run();
            } catch (DivergedException e) {
                throw e; // No advice to resume: the resumed run would diverge again.
            } catch (FramecastException e) {
                if (!run.hasBegun()) {
                    throw e;
                }
                throw new FramecastException(Remedies.sentence(e) + " What was trained until the last checkpoint is "
                        + "safe; to go on from there: " + resumption(run), e);
            } finally {
                before.forEach(TrainingSession::handle);
            }
        }
    }

    /** The command that resumes a run, quoted for a shell. */
    static String resumption(RunDirectory run) {
        int processes = Processes.group().size();
        return (processes > 1 ? "mpirun -n " + processes + " " : "") + "framecast train --resume " + Options.quoted(run.path().toString());
    }

    /** Finishes the step and saves; a second Ctrl-C ends the process at once. */
    private static final class Stop implements SignalHandler {
        /**
         * Within this time, a second signal is not a second Ctrl-C: some programs forward a signal to their whole
         * process group, so that it arrives twice.
         */
        private static final long SECOND_THOUGHT_NANOS = 500_000_000;

        private final Trainer trainer;
        private boolean stopping;
        private long asked;

        Stop(Trainer trainer) {
            this.trainer = trainer;
        }

        /**
         * Stops the trainer before printing: without a terminal, printing fails. Only a second Ctrl-C ends the process
         * at once. Other signals often arrive twice: when a terminal is closed both the shell and the system send HUP,
         * and timeout sends TERM twice.
         */
        @Override
        public synchronized void handle(Signal signal) {
            trainer.stop();
            boolean keyboard = signal.getName().equals("INT");
            if (!stopping) {
                stopping = true;
                asked = System.nanoTime();
                System.err.println(Processes.group().size() > 1 ? "\nstopping: the launcher ends all processes, as it "
                        + "does when one of them ends. What was trained until the last checkpoint is safe"
                        : "\nfinishing the step and saving" + (keyboard ? "; once more to leave at once" : ""));
            } else if (keyboard && System.nanoTime() - asked > SECOND_THOUGHT_NANOS) {
                System.exit(Main.INTERRUPTED);
            }
        }
    }

    /**
     * Sets a handler, and returns the previous one; empty if a program cannot handle the signal (java -Xrs). A signal
     * that was ignored when the JVM started, as HUP is under nohup, stays ignored.
     */
    private static Optional<SignalHandler> handle(String signal, SignalHandler handler) {
        try {
            return Optional.of(Signal.handle(new Signal(signal), handler));
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }
}
