package io.framecast.backend.guard;

import io.framecast.backend.Plan;
import io.framecast.backend.Tensor;
import java.util.List;

/**
 * What the calls of a layer's op are checked against.
 *
 * @param name the layer's, in Keras
 * @param input the shape of its input frames
 * @param output the shape of its output frames
 * @param held its parameters and their gradients, which it reads and writes at each call
 */
record OpChecks(OpGuard guard, String name, Plan plan, FrameSize input, FrameSize output, List<Tensor> held) {

    /** That the op can run: nothing that it needs is closed. */
    void requireUsable(boolean closed) {
        guard.requireOpen();
        if (closed) {
            throw new IllegalStateException(name + " is closed.");
        }
        for (Tensor tensor : held) {
            guard.require(tensor, name + "'s parameters");
        }
    }

    /** The input of a forward pass or a step. */
    void requireInput(Tensor x, int frames, int batch) {
        guard.require(x, name + "'s input");
        if (frames < 1 || batch < 1 || frames > plan.frames() || batch > plan.batch()) {
            throw new IllegalArgumentException(name + " was planned for up to " + plan.frames() + " frames of "
                    + plan.batch() + " videos of " + input + " and was given " + frames + " frames of " + batch + ".");
        }
        requireValues(x, "input", input, frames, batch);
    }

    /** That a tensor has at least the values of so many frames of so many videos. */
    void requireValues(Tensor tensor, String what, FrameSize frame, int frames, int batch) {
        long wanted = frame.values() * frames * batch;
        if (tensor.size() < wanted) {
            throw new IllegalArgumentException(name + " needs " + wanted + " values as " + what + ", for " + frames
                    + " frames of " + batch + " videos of " + frame + ", and was given a tensor of " + tensor.size()
                    + ".");
        }
    }

    IllegalStateException outOfOrder(String what) {
        return new IllegalStateException(name + " " + what + ".");
    }
}
