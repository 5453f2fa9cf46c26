package io.framecast.tools.check.golden;

/**
 * How far outputs and gradients may be from float64's, relative to the largest value.
 *
 * @param output of outputs
 * @param gradient of gradients
 */
public record Tolerance(double output, double gradient) {

    /**
     * Of float32: the longest sums of the cases have some hundred rounding errors of 2^-24, which grow with the square
     * root of their number, over a few frames. The sums of gradients run over all positions and frames, and through all
     * layers.
     */
    public static final Tolerance FP32 = new Tolerance(1e-5, 1e-4);

    /**
     * Of tf32. With u = 2^-11, the unit roundoff, each product of two operands is off by up to 2u, with random sign. So
     * is an output, at most, since outputs are sums of products; over up to three frames the errors of the hidden state
     * add up to 6u at most. Gradients pass through the frames forward and backward, and have sums of such errors: 12u.
     */
    public static final Tolerance TF32 = new Tolerance(Math.scalb(6, -11), Math.scalb(12, -11));
}
