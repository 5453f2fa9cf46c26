package io.framecast.nn;

import io.framecast.text.Settings;

/**
 * A height and a width, like Keras's (height, width) tuples.
 *
 * @param height along rows
 * @param width along columns
 */
public record Pair(int height, int width) {

    /** (1, 1) */
    public static final Pair ONE = new Pair(1, 1);

    /**
     * Checks the values.
     *
     * @param height at least 1
     * @param width at least 1
     * @throws IllegalArgumentException if one is below 1
     */
    public Pair {
        Settings.requirePositive("height", height);
        Settings.requirePositive("width", width);
    }

    int[] toArray() {
        return new int[] {height, width};
    }

    /** (1, height, width): of one frame. */
    int[] ofOneFrame() {
        return new int[] {1, height, width};
    }
}
