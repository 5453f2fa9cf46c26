package io.framecast.tools.bench;

import java.util.Arrays;

/** Measures elapsed time. */
public final class Times {

    /** The minimal total time of the runs, in seconds: a few short runs may all be disturbed by other programs. */
    static final double LEAST = 0.3;

    /** @param runs how many runs {@code seconds} is the median of */
    record Median(double seconds, int runs) {
    }

    private Times() {
    }

    /** The median time of {@code work}, run at least {@code fewest} times. */
    static Median median(int fewest, Runnable work) {
        double[] seconds = new double[fewest];
        int runs = 0;
        for (double all = 0; runs < fewest || all < LEAST; runs++) {
            if (runs == seconds.length) {
                seconds = Arrays.copyOf(seconds, 2 * runs);
            }
            long begin = System.nanoTime();
            work.run();
            seconds[runs] = (System.nanoTime() - begin) / 1e9;
            all += seconds[runs];
        }
        return new Median(median(Arrays.copyOf(seconds, runs)), runs);
    }

    /** The middle value, or the mean of the two in the middle. */
    public static double median(double[] values) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        return (sorted[(sorted.length - 1) / 2] + sorted[sorted.length / 2]) / 2;
    }
}
