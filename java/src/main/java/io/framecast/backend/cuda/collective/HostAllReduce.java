package io.framecast.backend.cuda.collective;

import io.framecast.backend.AllReduceOp;
import io.framecast.backend.ProcessGroup;
import io.framecast.backend.Tensor;
import io.framecast.backend.cuda.driver.Closing;
import io.framecast.backend.cuda.driver.CudaDevice;
import io.framecast.backend.cuda.driver.DeviceEvent;
import io.framecast.backend.cuda.driver.DeviceMemory;
import io.framecast.backend.cuda.driver.PinnedMemory;
import io.framecast.backend.cuda.driver.SideStream;
import io.framecast.backend.cuda.launch.CudaOps;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * Sums tensors over processes through pinned memory: copied there on a stream beside the device's, summed by the group
 * on a thread of its own, one part after the other, and copied back.
 */
final class HostAllReduce implements AllReduceOp {

    /** The most bytes of a part: one is copied while the one before is summed. */
    private static final long PART_BYTES = 16 << 20;

    /** A part of a bucket. */
    private final class Part {
        private final Tensor bucket;
        private final long offset;
        private final PinnedMemory pinned;
        private final DeviceEvent copied = DeviceEvent.create(device);

        Part(Tensor bucket, long offset, long bytes) {
            this.bucket = bucket;
            this.offset = offset;
            pinned = PinnedMemory.allocate(device, bytes);
            closing.add(copied::close);
            closing.add(pinned::close);
        }

        private DeviceMemory memory() {
            return CudaOps.memory(bucket).view(offset, (long) Float.BYTES * pinned.floats().capacity());
        }

        void copyToHost() {
            pinned.copyFrom(memory(), side.stream());
            copied.record(side.stream());
        }

        void sum() {
            copied.synchronize();
            group.allReduce(pinned.floats());
            pinned.copyTo(memory(), side.stream());
        }
    }

    private final CudaDevice device;
    private final ProcessGroup group;
    private final SideStream side;
    private final List<List<Part>> buckets = new ArrayList<>();
    private final Closing closing = new Closing();
    private final ExecutorService thread = Executors.newSingleThreadExecutor(work -> {
        Thread background = new Thread(work, "framecast-gradients");
        background.setDaemon(true);
        return background;
    });
    /** Done when the buckets that were started are summed. */
    private CompletableFuture<Void> sums = CompletableFuture.completedFuture(null);

    HostAllReduce(CudaDevice device, ProcessGroup group, List<Tensor> buckets) {
        this.device = device;
        this.group = group;
        side = SideStream.open(device);
        closing.add(side::close);
        try {
            for (Tensor bucket : buckets) {
                long bytes = Float.BYTES * bucket.size();
                List<Part> parts = new ArrayList<>();
                for (long at = 0; at < bytes; at += PART_BYTES) {
                    parts.add(new Part(bucket, at, Math.min(PART_BYTES, bytes - at)));
                }
                this.buckets.add(parts);
            }
        } catch (RuntimeException e) {
            thread.shutdown();
            closing.runAfter(e);
            throw e;
        }
    }

    @Override
    public void start(int bucket) {
        List<Part> parts = buckets.get(bucket);
        side.fork();
        parts.forEach(Part::copyToHost);
        sums = sums.thenRunAsync(() -> parts.forEach(Part::sum), thread);
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
        side.join();
    }

    /** Waits for sums that were not awaited: they will be written. */
    @Override
    public void close() {
        sums.exceptionally(e -> null).join();
        thread.shutdown();
        closing.run();
    }
}
