package io.framecast.tools;

import io.framecast.data.NpyWriter;
import io.framecast.predict.ForecastListener;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Writes forecasts to a file in the order of the videos, although several videos are forecast at once. Frames of the
 * video being written go directly to the file; those of later videos are kept in the heap.
 */
final class FileOrder implements ForecastListener {

    private final NpyWriter out;
    private final int frames;
    private final Map<Integer, List<float[]>> waiting = new HashMap<>();
    private int next;

    /** @param frames the number of frames of each forecast */
    FileOrder(NpyWriter out, int frames) {
        this.out = out;
        this.frames = frames;
    }

    /** @throws UncheckedIOException if the file cannot be written */
    @Override
    public void forecast(int index, int frame, float[] values) {
        if (index != next) {
            waiting.computeIfAbsent(index, k -> new ArrayList<>()).add(values);
            return;
        }
        try {
            out.write(values);
            if (frame == frames - 1) {
                next++;
                List<float[]> early = waiting.remove(next);
                for (float[] one : early == null ? List.<float[]>of() : early) {
                    out.write(one);
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
