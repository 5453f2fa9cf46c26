package io.framecast;

/** Numbers of things, in words. */
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
}
