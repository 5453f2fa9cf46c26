package io.framecast.train;

import io.framecast.backend.Tensor;
import io.framecast.data.FrameShift;
import io.framecast.nn.Network;

/**
 * Scheduled sampling (Bengio et al., "Scheduled Sampling for Sequence Prediction with Recurrent Neural Networks",
 * 2015), as this engine implements it: the network's inputs are the true frames in the first half of each video, and
 * its own predictions in the second half. No gradient flows through the predictions.
 */
final class ScheduledSampling implements AutoCloseable {

    private final Network stepper;
    private final Tensor inputs;

    /**
     * @param network predicts with its current parameters
     * @param batch the largest batch
     * @param size the number of values of the largest batch
     */
    ScheduledSampling(Network network, int batch, long size) {
        stepper = network.inference(1, batch);
        try {
            inputs = network.backend().tensor(size);
        } catch (RuntimeException e) {
            stepper.close();
            throw e;
        }
    }

    /**
     * Computes the sampled inputs, on the device without transfers to the host.
     *
     * @param videos (frames, batch, height, width, channels)
     * @param count the batch
     * @return a tensor with the shape of {@code videos}, whose last frame is undefined; valid until the next call
     */
    Tensor inputs(Tensor videos, FrameShift shift, int count) {
        long frame = shift.stepSize();
        int seen = shift.videoFrames() / 2;
        videos.copyTo(0, inputs, 0, seen * frame);
        stepper.begin();
        for (int t = 0; t + 2 < shift.videoFrames(); t++) {
            Tensor prediction = stepper.step(inputs.slice(t * frame, frame), count);
            if (t + 1 >= seen) {
                prediction.copyTo(0, inputs, (t + 1) * frame, frame);
            }
        }
        return inputs;
    }

    @Override
    public void close() {
        inputs.close();
        stepper.close();
    }
}
