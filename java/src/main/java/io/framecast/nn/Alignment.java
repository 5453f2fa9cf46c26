package io.framecast.nn;

import io.framecast.backend.Backend;
import io.framecast.backend.Tensor;
import java.util.ArrayList;
import java.util.List;

/**
 * For rollout, gives a layer tails of the same length from all of its inputs. An input that depends on fewer future
 * frames than another has a shorter tail: the frames before it, which are final, are kept here and put in front.
 */
final class Alignment implements AutoCloseable {

    private final List<Integer> reaches;
    private final int reach;
    /** For each input; null for those that have the longest tail. */
    private final List<FrameWindow> windows = new ArrayList<>();

    /**
     * @param reaches how many future frames each input depends on
     * @param shapes of the inputs' frames
     * @param batch the most videos
     */
    Alignment(Backend backend, List<Integer> reaches, List<FrameShape> shapes, int batch) {
        this.reaches = reaches;
        reach = reaches.stream().mapToInt(Integer::intValue).max().orElseThrow();
        try {
            for (int i = 0; i < reaches.size(); i++) {
                windows.add(reaches.get(i) == reach ? null
                        : new FrameWindow(backend, reach + 1, batch, shapes.get(i).size()));
            }
        } catch (RuntimeException e) {
            close();
            throw e;
        }
    }

    /** How many future frames the inputs depend on, the most of them. */
    int reach() {
        return reach;
    }

    /** Forgets all frames. */
    void begin() {
        windows.forEach(window -> {
            if (window != null) {
                window.begin();
            }
        });
    }

    /**
     * Makes the tails as long as the longest.
     *
     * @param frame the index of the new frame, from 0
     * @return tails of the newest {@code min(reach, frame) + 1} frames
     */
    List<Tensor> align(List<Tensor> tails, int frame, int batch) {
        List<Tensor> aligned = new ArrayList<>();
        for (int i = 0; i < tails.size(); i++) {
            FrameWindow window = windows.get(i);
            if (window == null) {
                aligned.add(tails.get(i));
            } else {
                window.add(tails.get(i), count(reaches.get(i), frame), batch, count(reach, frame));
                aligned.add(window.frames());
            }
        }
        return aligned;
    }

    /** The frames of a tail that depends on so many future frames: all, if there are no more. */
    static int count(int reach, int frame) {
        return Math.min(reach, frame) + 1;
    }

    @Override
    public void close() {
        windows.forEach(window -> {
            if (window != null) {
                window.close();
            }
        });
    }
}
