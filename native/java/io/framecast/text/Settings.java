package io.framecast.text;

/** Checks of settings made in Java, of layers and trainings. Settings in files are checked while they are read. */
public final class Settings {

    private Settings() {
    }

    /** @throws IllegalArgumentException if {@code value} is below 1 */
    public static void requirePositive(String name, int value) {
        require(value >= 1, name, value, "at least 1");
    }

    /**
     * @param range what the value must be, in words
     * @throws IllegalArgumentException if not {@code holds}, with the name, the value and the range
     */
    public static void require(boolean holds, String name, Object value, String range) {
        if (!holds) {
            throw new IllegalArgumentException(name + " is " + value + "; it must be " + range);
        }
    }
}
