package io.framecast.tools;

import io.framecast.FramecastException;
import io.framecast.backend.Backend;
import io.framecast.data.Split;
import io.framecast.text.Count;
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

/** Training as a person sees it: progress on the terminal, and Ctrl-C. */
final class TrainingSession {

    private TrainingSession() {
    }

    /**
     * What asks a process to end; XCPU is what a batch system sends when the time is up. Not QUIT: a JVM answers it
     * with what its threads are doing, and goes on.
     */
    private static final List<String> SIGNALS = List.of("INT", "TERM", "HUP", "XCPU");

    /** Ctrl-C, and the other signals that ask a process to end: the step is finished, the run saved and left. */
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
                throw e; // To go on would lead there again.
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

    /** The command that goes on with a run, for a shell. */
    static String resumption(RunDirectory run) {
        return "framecast train --resume " + Options.quoted(run.path().toString());
    }

    /** Finishes the step and saves; a second Ctrl-C leaves at once. */
    private static final class Stop implements SignalHandler {
        /** Some programs send what they were sent to the whole group, and so twice to each: no second thought. */
        private static final long SECOND_THOUGHT_NANOS = 500_000_000;

        private final Trainer trainer;
        private boolean stopping;
        private long asked;

        Stop(Trainer trainer) {
            this.trainer = trainer;
        }

        /**
         * The step is asked to be the last before anything is said: where the terminal is gone there is nobody to say
         * it to. Only the keyboard is taken at its word when it repeats itself: a shell that hangs up and the system
         * both send HUP, and timeout sends TERM twice.
         */
        @Override
        public synchronized void handle(Signal signal) {
            trainer.stop();
            boolean keyboard = signal.getName().equals("INT");
            if (!stopping) {
                stopping = true;
                asked = System.nanoTime();
                System.err.println("\nfinishing the step and saving"
                        + (keyboard ? "; once more to leave at once" : ""));
            } else if (keyboard && System.nanoTime() - asked > SECOND_THOUGHT_NANOS) {
                System.exit(Main.INTERRUPTED);
            }
        }
    }

    /**
     * The handler before; nothing where the signal is not the program's to handle (java -Xrs). A signal that is
     * ignored, as HUP is under nohup, stays ignored: the JVM sees to that.
     */
    private static Optional<SignalHandler> handle(String signal, SignalHandler handler) {
        try {
            return Optional.of(Signal.handle(new Signal(signal), handler));
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }
}
