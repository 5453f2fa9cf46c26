package io.framecast.backend;

/**
 * Matrices of the same size in a tensor, side by side: the rows of all of them are adjacent.
 *
 * @param offset of the first value
 * @param count how many; at least 1
 * @param rows of each; at least 1
 * @param columns of each; at least 1
 */
public record Matrices(long offset, int count, int rows, int columns) {

    /**
     * From a value to the one below it.
     *
     * @return count * columns
     */
    public int pitch() {
        return count * columns;
    }

    /**
     * How many values they have together.
     *
     * @return count * rows * columns, at most {@link Long#MAX_VALUE}
     */
    public long size() {
        long size = (long) rows * columns;
        return size > 0 && count > Long.MAX_VALUE / size ? Long.MAX_VALUE : count * size;
    }

    /**
     * The shorter side of each.
     *
     * @return the smaller one of rows and columns
     */
    public int shorter() {
        return Math.min(rows, columns);
    }

    /**
     * The longer side of each.
     *
     * @return the larger one of rows and columns
     */
    public int longer() {
        return Math.max(rows, columns);
    }
}
