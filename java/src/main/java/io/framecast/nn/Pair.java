package io.framecast.nn;

/**
 * A height and a width, like Keras's (height, width) tuples.
 *
 * @param height along rows
 * @param width along columns
 */
public record Pair(int height, int width) {

    /** (1, 1) */
    public static final Pair ONE = new Pair(1, 1);

    int[] toArray() {
        return new int[] {height, width};
    }
}
