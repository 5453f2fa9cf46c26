package io.framecast.tools.distributed;

import io.framecast.backend.ProcessGroup;
import io.framecast.predict.ForecastListener;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BiConsumer;
import java.util.stream.IntStream;

/**
 * Forecasts that several processes share: round by round each forecasts some videos, and the first process is given
 * those of all.
 */
public final class SharedForecast {

    private record Frame(int video, int frame, float[] values) {
    }

    private SharedForecast() {
    }

    /**
     * Forecasts videos. All processes must call this.
     *
     * @param count the number of videos
     * @param atOnce the videos of a process in a round
     * @param to is given the frames in the first process
     * @param forecast forecasts the videos of some indices, and gives their frames to a listener
     */
    public static void run(ProcessGroup group, int count, int atOnce, ForecastListener to,
            BiConsumer<int[], ForecastListener> forecast) {
        if (group.size() == 1) {
            forecast.accept(IntStream.range(0, count).toArray(), to);
            return;
        }
        for (int round = 0; round < count; round += group.size() * atOnce) {
            int from = Math.min(count, round + group.rank() * atOnce);
            List<Frame> frames = new ArrayList<>();
            forecast.accept(IntStream.range(from, Math.min(count, from + atOnce)).toArray(),
                    (video, frame, values) -> frames.add(new Frame(video, frame, values)));
            for (byte[] part : group.gather(pack(frames))) {
                unpack(ByteBuffer.wrap(part), to);
            }
        }
    }

    private static byte[] pack(List<Frame> frames) {
        int bytes = frames.stream().mapToInt(frame -> Math.addExact(3 * Integer.BYTES,
                Math.multiplyExact(Float.BYTES, frame.values.length))).reduce(0, Math::addExact);
        ByteBuffer packed = ByteBuffer.allocate(bytes);
        for (Frame frame : frames) {
            packed.putInt(frame.video).putInt(frame.frame).putInt(frame.values.length);
            packed.asFloatBuffer().put(frame.values);
            packed.position(packed.position() + Float.BYTES * frame.values.length);
        }
        return packed.array();
    }

    private static void unpack(ByteBuffer packed, ForecastListener to) {
        while (packed.hasRemaining()) {
            int video = packed.getInt();
            int frame = packed.getInt();
            float[] values = new float[packed.getInt()];
            packed.asFloatBuffer().get(values);
            packed.position(packed.position() + Float.BYTES * values.length);
            to.forecast(video, frame, values);
        }
    }
}
