package io.framecast.train;

import io.framecast.backend.Backend;
import io.framecast.backend.Loss;
import io.framecast.backend.LossOp;
import io.framecast.backend.Tensor;
import io.framecast.data.FrameShift;

/** A loss of the network's outputs from some frame on. The gradient of the frames before is zero. */
final class FrameLoss implements AutoCloseable {

    private final LossOp op;
    private final int first;
    /** Zeros for the frames that do not count, and then the gradient of all frames; null if all frames count. */
    private final Tensor memory;
    private final Tensor zeros;
    private final Tensor gradient;

    /**
     * @param first the first frame of the outputs that counts, from 0
     * @param frames of a video
     * @param frame the number of values of a frame of the largest batch
     */
    FrameLoss(Backend backend, Loss loss, int first, int frames, long frame) {
        this.first = first;
        op = backend.loss(loss, frames * frame);
        try {
            memory = first == 0 ? null : backend.tensor((first + frames) * frame);
        } catch (RuntimeException e) {
            op.close();
            throw e;
        }
        zeros = first == 0 ? null : memory.slice(0, first * frame);
        gradient = first == 0 ? op.gradient() : memory.slice(first * frame, frames * frame);
    }

    /**
     * Computes the mean loss of the frames that count, and the gradient of all if asked for.
     *
     * @param weight of the mean, for the gradient
     */
    void forward(Tensor outputs, Tensor videos, FrameShift shift, double weight, boolean withGradient) {
        long skipped = (long) first * shift.stepSize();
        long size = shift.length() - skipped;
        op.forward(outputs.slice(skipped, size), videos.slice(shift.targetOffset() + skipped, size), size,
                weight, withGradient);
        if (withGradient && first > 0) {
            zeros.copyTo(0, gradient, 0, skipped); // Each time: the network overwrites the gradient.
            op.gradient().copyTo(0, gradient, skipped, size);
        }
    }

    /** The gradient of the outputs; the caller may overwrite it. */
    Tensor gradient() {
        return gradient;
    }

    /** Waits for the mean loss. */
    double value() {
        return op.value();
    }

    @Override
    public void close() {
        if (first > 0) {
            memory.close();
        }
        op.close();
    }
}
