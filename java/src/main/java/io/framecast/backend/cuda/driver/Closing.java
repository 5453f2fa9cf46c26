package io.framecast.backend.cuda.driver;

import java.util.ArrayDeque;
import java.util.Deque;

/** A stack of clean-up steps. All of them run, the last one first, even if some fail. */
public final class Closing {

    private final Deque<Runnable> steps = new ArrayDeque<>();

    public void add(Runnable step) {
        steps.push(step);
    }

    /**
     * Runs all steps, once.
     *
     * @throws RuntimeException the first one's failure, with the others as suppressed ones
     */
    public void run() {
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

    /** The same after a failure, to which those of the steps are added as suppressed ones. */
    public void runAfter(RuntimeException failure) {
        try {
            run();
        } catch (RuntimeException e) {
            failure.addSuppressed(e);
        }
    }
}
