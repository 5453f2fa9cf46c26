package io.framecast.backend.cuda.layer;

import java.util.List;

/** The compiler options of conv3d.cu, for tests in other packages. */
public final class TimeTapsOptions {

    private TimeTapsOptions() {
    }

    public static List<String> of(int taps, int filters) {
        return TimeTaps.options(taps, filters, filters, false);
    }

    public static List<String> transposed(int taps, int filters, int channels) {
        return TimeTaps.options(taps, filters, filters * channels, true);
    }
}
