package io.framecast.nn;

import io.framecast.backend.Backend;
import io.framecast.backend.Tensor;

/** For rollout, the newest frames of a value: those of the tails that it was given. */
final class FrameWindow implements AutoCloseable {

    private final Tensor memory;
    private final int frameSize;
    private int held;  // frames in the window

    /**
     * @param frames the most frames
     * @param batch the most videos
     * @param frameSize the values of a frame of one video
     */
    FrameWindow(Backend backend, int frames, int batch, int frameSize) {
        this.frameSize = frameSize;
        memory = backend.tensor((long) frames * batch * frameSize);
    }

    /** Forgets all frames. */
    void begin() {
        held = 0;
    }

    boolean isEmpty() {
        return held == 0;
    }

    /**
     * Adds a tail: frames that are new or revised, ending with one new frame; see {@link Layer#step}.
     *
     * @param wanted the window drops its oldest frames if it has more than this
     * @return the number of frames in the window
     */
    int add(Tensor tail, int count, int batch, int wanted) {
        long frame = (long) batch * frameSize;
        // A tail has one new frame at its end. If its first frame is new to this window too, the tail has no more
        // unsettled frames than the one before, so the frames held before it stay.
        int before = Math.max(0, held + 1 - count);
        int drop = before + count - wanted;
        if (drop > 0) {
            for (int k = drop; k < before; k++) {
                memory.copyTo(k * frame, memory, (k - drop) * frame, frame);
            }
            before -= drop;
        }
        tail.copyTo(0, memory, before * frame, count * frame);
        held = before + count;
        return held;
    }

    /** The frames of the window, oldest first. */
    Tensor frames() {
        return memory;
    }

    @Override
    public void close() {
        memory.close();
    }
}
