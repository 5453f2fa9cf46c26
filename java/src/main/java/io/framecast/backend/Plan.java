package io.framecast.backend;

import java.util.Collections;
import java.util.List;

/**
 * The maximal sizes of an op, and what it must compute.
 *
 * @param frames the maximal number of frames in one call
 * @param batch the maximal number of videos in one call
 * @param training whether forward keeps what backward needs
 * @param inputGradients for each input, whether backward must return its gradient; not needed where no layer before it
 *     has parameters
 */
public record Plan(int frames, int batch, boolean training, List<Boolean> inputGradients, boolean operandOutput) {

    /**
     * Copies the list.
     *
     * @param frames the maximal number of frames in one call
     * @param batch the maximal number of videos in one call
     * @param training whether forward keeps what backward needs
     * @param inputGradients for each input, whether backward must return its gradient
     * @param operandOutput whether the output may be rounded to the type of convolutions' operands
     */
    public Plan {
        inputGradients = List.copyOf(inputGradients);
    }

    /**
     * A plan whose output is float32.
     *
     * @param frames the maximal number of frames in one call
     * @param batch the maximal number of videos in one call
     * @param training whether forward keeps what backward needs
     * @param inputGradients for each input, whether backward must return its gradient
     */
    public Plan(int frames, int batch, boolean training, List<Boolean> inputGradients) {
        this(frames, batch, training, inputGradients, false);
    }

    /**
     * The plan of an op of one input, whose output is float32.
     *
     * @param frames the maximal number of frames in one call
     * @param batch the maximal number of videos in one call
     * @param training whether forward keeps what backward needs
     * @param inputGradient whether backward must return the gradient of the input
     */
    public Plan(int frames, int batch, boolean training, boolean inputGradient) {
        this(frames, batch, training, List.of(inputGradient), false);
    }

    /**
     * A plan without backward.
     *
     * @param frames the maximal number of frames in one call
     * @param batch the maximal number of videos in one call
     * @param inputs the number of inputs
     * @return the plan
     */
    public static Plan inference(int frames, int batch, int inputs) {
        return new Plan(frames, batch, false, Collections.nCopies(inputs, false), false);
    }

    /**
     * Whether backward must return the gradient of the only input.
     *
     * @return the first of {@link #inputGradients}
     */
    public boolean inputGradient() {
        return inputGradients.get(0);
    }
}
