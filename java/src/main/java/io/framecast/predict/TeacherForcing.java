package io.framecast.predict;

import io.framecast.backend.Backend;
import io.framecast.backend.Tensor;
import io.framecast.data.Video;
import io.framecast.nn.HostTensor;
import io.framecast.nn.ModelConfig;
import io.framecast.nn.Network;
import java.util.Map;

/** One-step predictions: what the network answers to each frame of a video, having seen the true frames up to it. */
public final class TeacherForcing implements AutoCloseable {

    private final Network network;
    private final Tensor input;

    /** @param frames the most frames of a video */
    public TeacherForcing(Backend backend, ModelConfig model, Map<String, HostTensor> parameters, int frames) {
        model.requireFramesToFrames();
        network = Network.forInference(backend, model, frames, 1);
        network.parameters().set(parameters);
        input = backend.tensor((long) frames * model.input().size());
    }

    /** The network's output on the whole video: frame t is the prediction of frame t+1. */
    public Video predict(Video video) {
        input.write(video.values());
        float[] output = new float[video.values().length];
        network.forward(input, video.frames(), 1, false).read(0, output, 0, output.length);
        return new Video(video.frames(), video.height(), video.width(), video.channels(), output);
    }

    @Override
    public void close() {
        input.close();
        network.close();
    }
}
