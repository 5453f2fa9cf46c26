package io.framecast.backend;

/** The ConvLSTM over whole sequences, and from a carried state for rollout. */
public interface ConvLstmOp extends Op {

    /** Forgets the carried state, and takes the parameters as they are now. */
    void begin();

    /**
     * Goes on from the carried state. Only for ops not planned for training.
     *
     * @param x (frames, batch, height, width, channels): the frames that follow the state
     * @param frames at most those of the plan
     * @param batch the same in all steps since {@link #begin}
     * @param commit the state carried on is that after this many of the frames; 0 leaves it as it was
     * @return (frames, batch, output height, output width, filters): the outputs of these frames
     */
    Tensor step(Tensor x, int frames, int batch, int commit);
}
