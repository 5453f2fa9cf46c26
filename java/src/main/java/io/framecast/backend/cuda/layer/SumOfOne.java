package io.framecast.backend.cuda.layer;

import io.framecast.backend.AllReduceOp;

/** The sums over one process, which are there already. */
final class SumOfOne implements AllReduceOp {

    @Override
    public void start(int bucket) {
        // There is nobody to add.
    }

    @Override
    public void await() {
        // There is nobody to wait for.
    }

    @Override
    public void close() {
        // There is nothing to close.
    }
}
