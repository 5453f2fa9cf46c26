package io.framecast.nn;

import io.framecast.backend.Backend;
import io.framecast.backend.Op;
import io.framecast.backend.Plan;
import io.framecast.backend.Tensor;

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
    private final Tensor window;
    private int held;  // frames in the window
    private int heldBatch;
    private final Plan plan;

    Conv3dLayer(Backend backend, Op op, Plan plan, int pastReach, int futureReach, int inputSize, int outputSize) {
        this.op = op;
        this.plan = plan;
        this.pastReach = pastReach;
        this.futureReach = futureReach;
        this.inputSize = inputSize;
        this.outputSize = outputSize;
        this.window = plan.training() ? null : backend.tensor((long) plan.frames() * plan.batch() * inputSize);
    }

    @Override
    public Tensor forward(Tensor x, int frames, int batch, boolean training) {
        return op.forward(x, frames, batch, training);
    }

    @Override
    public Tensor backward(Tensor dy) {
        return op.backward(dy);
    }

    @Override
    public void begin() {
        held = 0;
    }

    @Override
    public Tensor step(Tensor tail, int count, int batch, boolean settled) {
        requireStep(tail, count, batch);
        long frame = (long) batch * inputSize;
        // A tail has one new frame at its end. If its first frame is new to this window too, the tail has no more
        // unsettled frames than the one before, so the frames held before it stay.
        int before = Math.max(0, held + 1 - count);
        int total = before + count;
        int wanted = count + futureReach + pastReach;
        if (total > wanted) {
            int drop = total - wanted;
            for (int k = drop; k < before; k++) {
                window.copyTo(k * frame, window, (k - drop) * frame, frame);
            }
            before -= drop;
            total = wanted;
        }
        tail.copyTo(0, window, before * frame, count * frame);
        held = total;
        heldBatch = batch;
        Tensor outputs = op.forward(window, total, batch, false);
        int revised = Math.min(count + futureReach, total);
        long outputFrame = (long) batch * outputSize;
        return outputs.slice((total - revised) * outputFrame, revised * outputFrame);
    }

    /** Before the window changes: a refused step leaves it as it is. */
    private void requireStep(Tensor tail, int count, int batch) {
        if (plan.training()) {
            throw new IllegalStateException("Conv3D was planned for training, which has no steps.");
        }
        if (batch < 1 || batch > plan.batch() || held > 0 && batch != heldBatch) {
            throw new IllegalArgumentException("Conv3D was planned for steps of up to " + plan.batch() + " videos, "
                    + "holds " + (held > 0 ? "frames of " + heldBatch : "none") + " and was given frames of " + batch
                    + ".");
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
