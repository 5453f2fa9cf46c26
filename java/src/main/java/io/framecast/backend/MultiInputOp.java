package io.framecast.backend;

import java.util.List;

/**
 * The computation of a layer with several inputs, otherwise as {@link Op}: planned for one shape of each input, and
 * bound to its parameters. The inputs have the same frames and videos; their height, width and channels may differ.
 * The op owns the tensors it returns; they are valid until its next call.
 */
public interface MultiInputOp extends AutoCloseable {

    /**
     * Computes the outputs.
     *
     * @param inputs each (frames, batch, height, width, channels) of its own shape; in training they must not change
     *     until backward. Two of them may be the same tensor
     * @param frames at most those of the plan
     * @param batch at most that of the plan
     * @param training whether the pass is part of a training step
     * @return (frames, batch, output height, output width, output channels)
     */
    Tensor forward(List<Tensor> inputs, int frames, int batch, boolean training);

    /**
     * Computes the gradients of the parameters and of the inputs. May overwrite {@code dy}, and may return it as the
     * gradient of an input.
     *
     * @param dy the gradient of the output of the last forward, in the shape that forward returned
     * @return the gradient of each input; null for those without one in {@link Plan#inputGradients}. No two share
     *     memory: the layers that get them may overwrite them
     */
    List<Tensor> backward(Tensor dy);

    /**
     * Resets the carried state, and reads the current values of the parameters. An op that treats each frame separately
     * has no state.
     */
    default void begin() {
    }

    /**
     * Continues from the carried state. Only for ops that were not planned for training. An op that treats each frame
     * separately computes what forward does.
     *
     * @param inputs the frames that follow the state, of each input
     * @param frames at most those of the plan
     * @param batch the same in all steps since {@link #begin}
     * @param commit the new carried state is the one after this many of the frames; 0 keeps the old state
     * @return (frames, batch, output height, output width, output channels): the outputs of these frames
     */
    default Tensor step(List<Tensor> inputs, int frames, int batch, int commit) {
        return forward(inputs, frames, batch, false);
    }

    @Override
    void close();
}
