package io.framecast.backend;

/**
 * Muon (Jordan et al. 2024) for matrices in a contiguous buffer: each step is the momentum with singular values of
 * about 1, so that all directions of the gradient count alike. For each matrix with gradient G and momentum M:
 *
 * <pre>
 * M = mu*M + (1 - mu)*G
 * U = mu*M + (1 - mu)*G
 * X = U/max(|U|, 1e-7), then five times X = a*X + b*S*X + c*S*S*X with S = X*transpose(X),
 *     a = 3.4445, b = -4.7750, c = 2.0315
 * P = P - rate*0.2*sqrt(max(rows, columns))*X
 * </pre>
 *
 * <p>With the last factor (Liu et al. 2025) a value changes by about 0.2*rate, as it does with Adam, whatever the size
 * of the matrix. |U| is the Frobenius norm. Values of the buffer that are in no matrix do not change.
 */
public interface MuonOp extends AutoCloseable {

    /**
     * Sets the rate for the next updates. It changes with every step, so it must be set outside a {@link Program}.
     *
     * @param rate the learning rate
     */
    void setRate(double rate);

    /** Updates M and P. */
    void update();

    /**
     * The momentum.
     *
     * @return a tensor of the op, as long as the parameters
     */
    Tensor momentum();

    @Override
    void close();
}
