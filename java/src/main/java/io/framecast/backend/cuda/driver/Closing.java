package io.framecast.backend.cuda;

import java.util.ArrayDeque;
import java.util.Deque;

/** What is to be given back, the last first: all of it, whichever of the steps fail. */
final class Closing {

    private final Deque<Runnable> steps = new ArrayDeque<>();

    void add(Runnable step) {
        steps.push(step);
    }

    /**
     * Runs all steps, once.
     *
     * @throws RuntimeException the first one's failure, with the others as suppressed ones
     */
    void run() {
        RuntimeException first = null;
        while (!steps.isEmpty()) {
            try {
                steps.pop().run();
            } catch (RuntimeException e) {
                if (first == null) {
                    first = e;
                } else {
                    first.addSuppressed(e);
                }
            }
        }
        if (first != null) {
            throw first;
        }
    }

    /** The same after a failure, to which those of the steps are added. */
    void runAfter(RuntimeException failure) {
        try {
            run();
        } catch (RuntimeException e) {
            failure.addSuppressed(e);
        }
    }
}
