package io.framecast.nn;

import io.framecast.backend.Backend;
import io.framecast.backend.Op;
import io.framecast.backend.Plan;
import io.framecast.backend.Tensor;
import java.util.Collections;
import java.util.List;

/**
 * A layer whose kernel has several frames. For rollout, keeps the window of input frames that the new and revised
 * outputs depend on. Where the window does not begin with the video, its first {@code pastReach} outputs are computed
 * from zero padding instead of frames: they are not used.
 */
final class WindowLayer implements Layer {

    private final Op op;
    private final String name;
    private final int pastReach;
    private final int futureReach;
    private final int inputSize;
    private final int outputSize;
    /** Null in training. */
    private final FrameWindow window;
    private int heldBatch;
    private final Plan plan;

    /** @param name the layer's, for messages */
    private WindowLayer(Backend backend, Op op, Plan plan, String name, int pastReach, int futureReach, int inputSize,
            int outputSize) {
        this.op = op;
        this.plan = plan;
        this.name = name;
        this.pastReach = pastReach;
        this.futureReach = futureReach;
        this.inputSize = inputSize;
        this.outputSize = outputSize;
        this.window = plan.training() ? null : new FrameWindow(backend, plan.frames(), plan.batch(), inputSize);
    }

    /** The layer of this op, which is closed if there is no memory for the window. */
    static WindowLayer of(Backend backend, Op op, Plan plan, OneInputConfig config, FrameShape input) {
        try {
            return new WindowLayer(backend, op, plan, config.type(), config.pastReach(), config.futureReach(),
                    input.size(), config.outputShape(input).size());
        } catch (RuntimeException e) {
            op.close();
            throw e;
        }
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
            throw new IllegalStateException(name + " was planned for training, which has no steps.");
        }
        if (batch < 1 || batch > plan.batch() || !window.isEmpty() && batch != heldBatch) {
            throw new IllegalArgumentException(name + " was planned for steps of up to " + plan.batch() + " videos, "
                    + "holds " + (window.isEmpty() ? "none" : "frames of " + heldBatch) + " and was given frames of "
                    + batch + ".");
        }
        if (tail.size() < (long) count * batch * inputSize) {
            throw new IllegalArgumentException(name + " needs " + (long) count * batch * inputSize + " values for "
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
