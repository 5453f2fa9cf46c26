package io.framecast.backend.guard;

import io.framecast.backend.Plan;
import io.framecast.backend.Tensor;
import io.framecast.text.Count;
import java.util.List;
import java.util.stream.Collectors;

/**
 * What the calls of a layer's op are checked against.
 *
 * @param name the layer's, in Keras
 * @param inputs the shapes of its input frames
 * @param output the shape of its output frames
 * @param held its parameters and their gradients, which it reads and writes at each call
 */
record OpChecks(OpGuard guard, String name, Plan plan, List<FrameSize> inputs, FrameSize output,
        List<Tensor> held) {

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

    /** The inputs of a forward pass or a step. */
    void requireInputs(List<Tensor> tensors, int frames, int batch) {
        if (tensors == null || tensors.size() != inputs.size()) {
            throw new IllegalArgumentException(name + " takes " + Count.of(inputs.size(), "input") + " and was given "
                    + (tensors == null ? "null" : tensors.size()) + ".");
        }
        for (int i = 0; i < inputs.size(); i++) {
            guard.require(tensors.get(i), name + "'s " + inputName(i));
        }
        if (frames < 1 || batch < 1 || frames > plan.frames() || batch > plan.batch()) {
            throw new IllegalArgumentException(name + " was planned for up to " + plan.frames() + " frames of "
                    + plan.batch() + " videos of "
                    + inputs.stream().map(FrameSize::toString).collect(Collectors.joining(" and "))
                    + " and was given " + frames + " frames of " + batch + ".");
        }
        for (int i = 0; i < inputs.size(); i++) {
            requireValues(tensors.get(i), inputName(i), inputs.get(i), frames, batch);
        }
    }

    /** The inputs of the last forward pass, which backward will read. */
    void requireKept(List<Tensor> tensors) {
        for (int i = 0; i < inputs.size(); i++) {
            guard.require(tensors.get(i), name + "'s " + inputName(i) + " of the forward pass");
        }
    }

    private String inputName(int index) {
        return inputs.size() == 1 ? "input" : "input " + index;
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
