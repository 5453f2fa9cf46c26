package io.framecast.nn;

import io.framecast.backend.AllReduceOp;
import io.framecast.backend.Backend;
import io.framecast.backend.Tensor;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Adds the gradients of all processes. The kernels of a layer are a bucket, which is sent while the layers before it
 * are still computing their gradients. All biases and other vectors are one bucket, the last.
 */
final class GradientSum implements AutoCloseable {

    private final Map<Integer, Integer> bucketOfLayer = new HashMap<>();
    private final boolean hasOthers;
    private final int others;
    private final AllReduceOp op;

    GradientSum(Backend backend, Parameters parameters, int layers) {
        List<Tensor> buckets = new ArrayList<>();
        for (int k = 0; k < layers; k++) {
            Tensor matrices = parameters.matrixGradients(k);
            if (matrices != null) {
                bucketOfLayer.put(k, buckets.size());
                buckets.add(matrices);
            }
        }
        others = buckets.size();
        Tensor vectors = parameters.otherGradients();
        hasOthers = vectors != null;
        if (hasOthers) {
            buckets.add(vectors);
        }
        op = backend.allReduce(buckets);
    }

    /** Starts to sum the gradients of a layer's kernels, which its backward has computed. */
    void start(int layer) {
        Integer bucket = bucketOfLayer.get(layer);
        if (bucket != null) {
            op.start(bucket);
        }
    }

    /** Sums the rest, after the backward of all layers, and awaits all sums. */
    void finish() {
        if (hasOthers) {
            op.start(others);
        }
        op.await();
    }

    @Override
    public void close() {
        op.close();
    }
}
