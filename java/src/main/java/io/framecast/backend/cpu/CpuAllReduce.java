package io.framecast.backend.cpu;

import io.framecast.backend.AllReduceOp;
import io.framecast.backend.ProcessGroup;
import io.framecast.backend.Tensor;
import java.nio.FloatBuffer;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** Sums tensors over processes in place, on a thread of its own, one bucket after the other. */
final class CpuAllReduce implements AllReduceOp {

    private final ProcessGroup group;
    private final List<FloatBuffer> buckets;
    private final ExecutorService thread = Executors.newSingleThreadExecutor(work -> {
        Thread background = new Thread(work, "framecast-gradients");
        background.setDaemon(true);
        return background;
    });
    /** Done when the buckets that were started are summed. */
    private CompletableFuture<Void> sums = CompletableFuture.completedFuture(null);

    CpuAllReduce(ProcessGroup group, List<Tensor> buckets) {
        this.group = group;
        this.buckets = buckets.stream()
                .map(bucket -> CpuTensor.pointer(bucket).capacity(bucket.size()).asBuffer()).toList();
    }

    @Override
    public void start(int bucket) {
        sums = sums.thenRunAsync(() -> group.allReduce(buckets.get(bucket)), thread);
    }

    /** Also if the thread is interrupted: the other processes wait for these sums. */
    @Override
    public void await() {
        try {
            sums.join();
        } catch (CompletionException e) {
            if (e.getCause() instanceof RuntimeException cause) {
                throw cause;
            }
            throw e;
        }
    }

    /** Waits for sums that were not awaited: they will be written. */
    @Override
    public void close() {
        sums.exceptionally(e -> null).join();
        thread.shutdown();
    }
}
