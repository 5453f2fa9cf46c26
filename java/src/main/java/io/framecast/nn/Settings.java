package io.framecast.nn;

/** Checks of the settings of layers that are made in Java. Model JSON is checked while it is read. */
final class Settings {

    private Settings() {
    }

    static void requirePositive(String name, int value) {
        require(value >= 1, name, value, "at least 1");
    }

    static void require(boolean holds, String name, Object value, String range) {
        if (!holds) {
            throw new IllegalArgumentException(name + " is " + value + "; it must be " + range);
        }
    }
}
