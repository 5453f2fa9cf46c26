package io.framecast.backend.guard;

import io.framecast.backend.AllReduceOp;
import io.framecast.backend.Tensor;
import java.util.BitSet;
import java.util.List;
import java.util.Objects;

/** A sum over processes, used only while it and its buckets are open, and each bucket once at a time. */
final class GuardedAllReduce extends GuardedResource implements AllReduceOp {

    private final List<Tensor> buckets;
    private final AllReduceOp op;
    private final BitSet started = new BitSet();

    GuardedAllReduce(OpGuard guard, List<Tensor> buckets, AllReduceOp op) {
        super(guard, "The sum over processes", op::close);
        this.buckets = buckets;
        this.op = op;
    }

    @Override
    public void start(int bucket) {
        synchronized (guard) {
            requireOpen();
            guard.require(buckets.get(Objects.checkIndex(bucket, buckets.size())), "The bucket " + bucket);
            if (started.get(bucket)) {
                throw new IllegalStateException("The bucket " + bucket + " was started already, and not awaited.");
            }
            started.set(bucket);
            op.start(bucket);
        }
    }

    @Override
    public void await() {
        synchronized (guard) {
            requireOpen();
            started.clear();
            op.await();
        }
    }
}
