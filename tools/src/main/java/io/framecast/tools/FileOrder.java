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
 * Writes the forecasts of one video after the other, though several are made at once: frames of the video that is
 * written go to the file as they come, those of the others are kept in the heap until it is their turn.
 */
final class FileOrder implements ForecastListener {

    private final NpyWriter out;
    private final int frames;
    private final Map<Integer, List<float[]>> waiting = new HashMap<>();
    private int next;

    /** @param frames of each forecast */
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
