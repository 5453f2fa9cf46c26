package io.framecast.backend.guard;

import io.framecast.backend.Tensor;

/** An optimiser, used only while it and its parameters are open. */
abstract class GuardedOptimizer extends GuardedResource {

    private final String name;
    private final Tensor parameters;
    private final Tensor gradients;

    GuardedOptimizer(OpGuard guard, String name, Tensor parameters, Tensor gradients, Runnable close) {
        super(guard, name, close);
        this.name = name;
        this.parameters = parameters;
        this.gradients = gradients;
    }

    /** Runs an update of the parameters. */
    void update(Runnable update) {
        synchronized (guard) {
            requireOpen();
            guard.require(parameters, name + "'s parameters");
            guard.require(gradients, name + "'s gradients");
            update.run();
        }
    }
}
