package io.framecast.tools.bench;

import java.util.Arrays;

/** Times by the clock. */
final class Times {

    private Times() {
    }

    /** The median time of so many runs of {@code work}, in seconds. */
    static double median(int runs, Runnable work) {
        double[] seconds = new double[runs];
        for (int k = 0; k < runs; k++) {
            long begin = System.nanoTime();
            work.run();
            seconds[k] = (System.nanoTime() - begin) / 1e9;
        }
        Arrays.sort(seconds);
        return (seconds[(runs - 1) / 2] + seconds[runs / 2]) / 2;
    }
}
