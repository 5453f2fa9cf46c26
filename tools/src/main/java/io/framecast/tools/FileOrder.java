package io.framecast.tools;

import io.framecast.predict.ForecastListener;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Gives forecasts on in the order of the videos, although several videos are forecast at once. Frames of the video that
 * is next go on directly; those of later videos are kept in the heap.
 */
final class FileOrder implements ForecastListener {

    /** Takes the frames of all videos, one video after the other. */
    @FunctionalInterface
    interface Target {
        void write(int video, int frame, float[] values) throws IOException;
    }

    private final Target out;
    private final int frames;
    private final Map<Integer, List<float[]>> waiting = new HashMap<>();
    private int next;

    /** @param frames the number of frames of each forecast */
    FileOrder(Target out, int frames) {
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
            out.write(index, frame, values);
            if (frame == frames - 1) {
                next++;
                List<float[]> early = waiting.remove(next);
                for (int k = 0; early != null && k < early.size(); k++) {
                    out.write(next, k, early.get(k));
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
