package io.framecast.text;

/** Counts with units, as text. */
public final class Count {

    private Count() {
    }

    /** Such as "1 video" and "2 videos". */
    public static String of(long number, String thing) {
        return of(number, thing, thing + "s");
    }

    /** Such as "1 batch" and "2 batches". */
    public static String of(long number, String one, String many) {
        return number + " " + (number == 1 ? one : many);
    }

    /** A number of bytes in a readable unit: "9999 bytes", "10 kB". */
    public static String bytes(long bytes) {
        return bytes < 10_000 ? of(bytes, "byte") : bytes < 10_000_000 ? bytes / 1000 + " kB"
                : bytes < 10_000_000_000L ? bytes / 1_000_000 + " MB" : bytes / 1_000_000_000 + " GB";
    }
}
