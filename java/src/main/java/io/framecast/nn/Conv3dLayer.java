package io.framecast.nn;

import io.framecast.backend.Backend;
import io.framecast.backend.Op;
import io.framecast.backend.Plan;
import io.framecast.backend.Tensor;
import java.util.Collections;
import java.util.List;

/**
 * For rollout, keeps the window of input frames that the new and revised outputs depend on. Where the window does not
 * begin with the video, its first {@code pastReach} outputs are computed from zero padding instead of frames: they are
 * not used.
 */
final class Conv3dLayer implements Layer {

    private final Op op;
    private final int pastReach;
    private final int futureReach;
    private final int inputSize;
    private final int outputSize;
    /** Null in training. */
    private final FrameWindow window;
    private int heldBatch;
    private final Plan plan;

    Conv3dLayer(Backend backend, Op op, Plan plan, int pastReach, int futureReach, int inputSize, int outputSize) {
        this.op = op;
        this.plan = plan;
        this.pastReach = pastReach;
        this.futureReach = futureReach;
        this.inputSize = inputSize;
        this.outputSize = outputSize;
        this.window = plan.training() ? null : new FrameWindow(backend, plan.frames(), plan.batch(), inputSize);
    }

    @Override
    public Tensor forward(List<Tensor> inputs, int frames, int batch, boolean training) {
        return op.forward(inputs.get(0), frames, batch, training);
    }

    @Override
    public List<Tensor> backward(Tensor dy) {
        return Collections.singletonList(op.backward(dy));
    }

    @Override
    public void begin() {
        if (window != null) {
            window.begin();
        }
    }

    @Override
    public Tensor step(List<Tensor> tails, int count, int batch, int settled) {
        requireStep(tails.get(0), count, batch);
        int total = window.add(tails.get(0), count, batch, count + futureReach + pastReach);
        heldBatch = batch;
        Tensor outputs = op.forward(window.frames(), total, batch, false);
        int revised = Math.min(count + futureReach, total);
        long outputFrame = (long) batch * outputSize;
        return outputs.slice((total - revised) * outputFrame, revised * outputFrame);
    }

    /** Before the window changes: a refused step leaves it as it is. */
    private void requireStep(Tensor tail, int count, int batch) {
        if (plan.training()) {
            throw new IllegalStateException("Conv3D was planned for training, which has no steps.");
        }
        if (batch < 1 || batch > plan.batch() || !window.isEmpty() && batch != heldBatch) {
            throw new IllegalArgumentException("Conv3D was planned for steps of up to " + plan.batch() + " videos, "
                    + "holds " + (window.isEmpty() ? "none" : "frames of " + heldBatch) + " and was given frames of "
                    + batch + ".");
        }
        if (tail.size() < (long) count * batch * inputSize) {
            throw new IllegalArgumentException("Conv3D needs " + (long) count * batch * inputSize + " values for "
                    + count + " frames of " + batch + " videos, and was given a tensor of " + tail.size() + ".");
        }
    }

    @Override
    public void close() {
        op.close();
        if (window != null) {
            window.close();
        }
    }
}
