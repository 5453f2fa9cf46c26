package io.framecast.backend.guard;

import io.framecast.backend.Program;
import java.util.function.Supplier;

/**
 * A program that runs only while its backend and itself are open. Once an op or a tensor is closed, which may be one
 * that the program uses, the work is recorded anew: its calls are then checked again.
 */
final class GuardedProgram implements Program {

    private final OpGuard guard;
    private final Supplier<Program> make;
    private Program program;
    private long closes;
    private boolean closed;

    GuardedProgram(OpGuard guard, Supplier<Program> make) {
        this.guard = guard;
        this.make = make;
        program = make.get();
        closes = guard.closes();
    }

    @Override
    public void run() {
        synchronized (guard) {
            guard.requireOpen();
            if (closed) {
                throw new IllegalStateException("The program is closed.");
            }
            if (closes != guard.closes()) {
                closes = guard.closes();
                program.close();
                program = make.get();
            }
            program.run();
        }
    }

    @Override
    public void close() {
        synchronized (guard) {
            if (!closed) {
                closed = true;
                program.close();
            }
        }
    }
}
