package io.framecast.train;

import io.framecast.backend.BlendOp;
import io.framecast.backend.Tensor;
import io.framecast.data.BatchPart;
import io.framecast.data.FrameShift;
import io.framecast.data.Seeds;
import io.framecast.nn.Network;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Random;

/**
 * Scheduled sampling (Bengio et al., "Scheduled Sampling for Sequence Prediction with Recurrent Neural Networks",
 * 2015), as this engine implements it: the network's inputs are the true frames in the context of each video, and after
 * it its own predictions or true frames, as drawn. No gradient flows through the predictions.
 */
final class ScheduledSampling implements AutoCloseable {

    private final TrainingSettings settings;
    private final int frames;
    private final int context;
    /** 1 for each frame and video, (frames, batch), whose input is a prediction; else 0. */
    private final float[] drawn;
    private final Network stepper;
    private final BlendOp select;
    private final Tensor inputs;

    private final Deque<Runnable> closing = new ArrayDeque<>();

    /**
     * @param network predicts with its current parameters
     * @param frames of a video
     * @param batch the largest batch
     */
    ScheduledSampling(Network network, TrainingSettings settings, int frames, int batch) {
        this.settings = settings;
        this.frames = frames;
        context = settings.contextOf(frames);
        drawn = new float[frames * batch];
        try {
            stepper = network.inference(context, batch);
            closing.push(stepper::close);
            select = network.backend().blend(drawn.length);
            closing.push(select::close);
            inputs = network.backend().tensor((long) drawn.length * network.model().input().size());
            closing.push(inputs::close);
        } catch (RuntimeException e) {
            close();
            throw e;
        }
    }

    /**
     * Draws which frames are predictions, the same for the same seed, step and probability, also if several processes
     * share the batch. Not within a program.
     *
     * @param step the number of the step
     * @param part the videos of this process; those of others are drawn, too
     * @param probability that a frame after the context is a prediction
     * @return whether any of this process is
     */
    boolean draw(long step, BatchPart part, double probability) {
        Random random = new Random(Seeds.mix(settings.seed(), step));
        boolean any = false;
        for (int t = context; t + 1 < frames; t++) { // The last frame is no input.
            for (int video = 0; video < part.whole(); video++) {
                boolean predicted = random.nextDouble() < probability;
                int own = video - part.first();
                if (own >= 0 && own < part.count()) {
                    drawn[t * part.count() + own] = predicted ? 1 : 0;
                    any |= predicted;
                }
            }
        }
        select.setRates(drawn);
        return any;
    }

    /**
     * Computes the inputs as drawn, on the device without transfers to the host.
     *
     * @param videos (frames, batch, height, width, channels)
     * @param count the batch
     * @return a tensor with the shape of {@code videos}, whose last frame is undefined; valid until the next call
     */
    Tensor inputs(Tensor videos, FrameShift shift, int count) {
        long frame = shift.stepSize();
        videos.copyTo(0, inputs, 0, shift.length());
        stepper.begin();
        for (int t = context; t + 1 < frames; t++) { // The last frame is no input.
            Tensor prediction = t == context ? stepper.step(inputs, context, count)
                    : stepper.step(inputs.slice((t - 1) * frame, frame), count);
            select.blend(prediction, inputs.slice(t * frame, frame), t * count, count);
        }
        return inputs;
    }

    @Override
    public void close() {
        while (!closing.isEmpty()) {
            closing.pop().run();
        }
    }
}
