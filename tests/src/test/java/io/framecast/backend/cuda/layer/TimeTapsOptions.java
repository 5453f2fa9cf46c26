package io.framecast.backend.cuda.layer;

import java.util.List;

/** What conv3d.cu is compiled with, for tests of other packages. */
public final class TimeTapsOptions {

    private TimeTapsOptions() {
    }

    public static List<String> of(int taps, int filters) {
        return TimeTaps.options(taps, filters);
    }
}
