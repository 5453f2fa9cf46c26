package io.framecast.backend;

/** The ConvLSTM over whole sequences, and from a carried state for rollout. */
public interface ConvLstmOp extends Op {

    /** Resets the carried state to zero, and reads the current values of the parameters. */
    void begin();

    /**
     * Continues from the carried state. Only for ops that were not planned for training.
     *
     * @param x (frames, batch, height, width, channels): the frames that follow the state
     * @param frames at most those of the plan
     * @param batch the same in all steps since {@link #begin}
     * @param commit the new carried state is the one after this many of the frames; 0 keeps the old state
     * @return (frames, batch, output height, output width, filters): the outputs of these frames
     */
    Tensor step(Tensor x, int frames, int batch, int commit);
}
