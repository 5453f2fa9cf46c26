package io.framecast.predict;

import io.framecast.backend.Backend;
import io.framecast.backend.Tensor;
import io.framecast.data.Video;
import io.framecast.nn.HostTensor;
import io.framecast.nn.ModelConfig;
import io.framecast.nn.Network;
import java.util.List;
import java.util.Map;

/**
 * Draws the frames that come next: shows the network the frames of the context one by one, then feeds each prediction
 * back as the next frame, as it is. The state is carried, so that n frames cost n steps; the result is that of running
 * the network on the whole growing sequence each time.
 */
public final class Rollout implements AutoCloseable {

    private final Network network;
    private final int batch;
    private final Tensor input;

    /** @param batch the most videos to roll out at once */
    public Rollout(Backend backend, ModelConfig model, Map<String, HostTensor> parameters, int batch) {
        model.requireFramesToFrames();
        this.batch = batch;
        this.network = Network.forInference(backend, model, 1, batch);
        this.network.parameters().set(parameters);
        this.input = backend.tensor((long) batch * model.input().size());
    }

    /** The most videos at once. */
    public int batch() {
        return batch;
    }

    /**
     * Predicts {@code frames} frames after each of the given contexts, all of one length and of the model's shape.
     *
     * @return one video of {@code frames} frames for each context
     */
    public List<Video> predict(List<Video> contexts, int frames) {
        int count = contexts.size();
        int seen = contexts.get(0).frames();
        int size = contexts.get(0).frameSize();
        float[] frame = new float[count * size];
        float[][] predicted = new float[count][frames * size];
        network.begin();
        Tensor next = null;
        for (int t = 0; t < seen; t++) {
            for (int k = 0; k < count; k++) {
                System.arraycopy(contexts.get(k).values(), t * size, frame, k * size, size);
            }
            input.write(0, frame, 0, frame.length);
            next = network.step(input, count);
        }
        for (int t = 0; t < frames; t++) {
            next.read(0, frame, 0, frame.length);
            for (int k = 0; k < count; k++) {
                System.arraycopy(frame, k * size, predicted[k], t * size, size);
            }
            if (t + 1 < frames) {
                input.write(0, frame, 0, frame.length);
                next = network.step(input, count);
            }
        }
        return java.util.stream.IntStream.range(0, count).mapToObj(k -> new Video(frames, contexts.get(k).height(),
                contexts.get(k).width(), contexts.get(k).channels(), predicted[k])).toList();
    }

    @Override
    public void close() {
        input.close();
        network.close();
    }
}
