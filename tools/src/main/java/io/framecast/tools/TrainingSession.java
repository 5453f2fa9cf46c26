package io.framecast.tools;

import io.framecast.Count;
import io.framecast.backend.Backend;
import io.framecast.data.Split;
import io.framecast.train.Checkpoint;
import io.framecast.train.RunDirectory;
import io.framecast.train.Trainer;
import io.framecast.train.TrainingSettings;
import sun.misc.Signal;
import sun.misc.SignalHandler;

/** Training as a person sees it: progress on the terminal, and Ctrl-C. */
final class TrainingSession {

    private TrainingSession() {
    }

    /** The first Ctrl-C (or a TERM signal) finishes the step and saves; a second one leaves at once. */
    static Trainer.Outcome train(Backend backend, Checkpoint start, Split split, TrainingSettings settings,
            RunDirectory run) {
        System.out.println("training: " + Count.of(split.training().count(), "video") + ", "
                + split.validation().count() + " to validate, batches of " + settings.batchSize());
        long made = start.training() == null ? 0 : start.training().progress().step();
        long left = settings.steps() == 0 ? Integer.MAX_VALUE : Math.max(0, settings.steps() - made);
        try (TerminalProgress progress = new TerminalProgress(settings.epochs(), left);
                Trainer trainer = new Trainer(backend, start, split.training(), split.validation(), settings, run,
                        progress)) {
            SignalHandler stop = signal -> trainer.stop();
            SignalHandler[] before = {handle("INT", once(stop)), handle("TERM", once(stop))};
            try {
                return trainer.run();
            } finally {
                handle("INT", before[0]);
                handle("TERM", before[1]);
            }
        }
    }

    private static SignalHandler handle(String signal, SignalHandler handler) {
        return Signal.handle(new Signal(signal), handler);
    }

    private static SignalHandler once(SignalHandler handler) {
        return signal -> {
            System.err.println("\nfinishing the step and saving; once more to leave at once");
            Signal.handle(signal, SignalHandler.SIG_DFL);
            handler.handle(signal);
        };
    }
}
