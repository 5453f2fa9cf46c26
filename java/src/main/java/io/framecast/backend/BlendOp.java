package io.framecast.backend;

/**
 * Moves the rows of a tensor towards those of another: y = y + (x - y)*r, with a rate r for each row. A rate of 0 keeps
 * y and 1 makes it exactly x, so that rates of 0 and 1 select rows; small ones make y a moving average of x.
 */
public interface BlendOp extends AutoCloseable {

    /**
     * Sets the rates for the next blends. They may change with every step, so they must be set outside a {@link
     * Program}.
     *
     * @param rates from 0 to 1, one for each row that the op was planned for
     */
    void setRates(float[] rates);

    /**
     * Blends {@code rows} rows of equal size.
     *
     * @param x the values to move towards
     * @param y the values to change, a tensor of the same size
     * @param from the row of the rates to begin with
     * @param rows how many; their number divides the size of the tensors
     */
    void blend(Tensor x, Tensor y, int from, int rows);

    @Override
    void close();
}
