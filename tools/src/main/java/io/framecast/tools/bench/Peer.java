package io.framecast.tools.bench;

import io.framecast.backend.Precision;
import io.framecast.nn.HostTensor;
import io.framecast.nn.ModelConfig;
import java.util.List;
import java.util.Map;

/**
 * Another engine that trains the same networks on the same CPU, to compare with. Engines are found by
 * {@link java.util.ServiceLoader}, so that none of them is needed where no comparison is asked for.
 */
public interface Peer {

    /** The name that {@code --peer} takes. */
    String name();

    /** The engine and its version, for people. */
    String description();

    /** The ways to write a network in it whose speed differs, in words; at least one. */
    List<String> ways();

    /**
     * Makes a training of a network, with binary cross-entropy from logits and with Adam at a learning rate of 1e-3.
     *
     * @param model must end in a sigmoid, so that there are logits
     * @param initial the initial parameters, by their names and in their shapes as {@link ModelConfig#parameters} has
     *     them
     * @param precision {@link Precision#FP32} or {@link Precision#BF16}
     * @param threads how many threads compute
     * @param batch videos a step
     * @param frames input frames a video
     * @param way one of {@link #ways}
     * @throws io.framecast.FramecastException if the model has something that the peer does not offer
     */
    Training train(ModelConfig model, Map<String, HostTensor> initial, Precision precision, int threads, int batch,
            int frames, String way);

    /**
     * The losses of the first step and of the second, computed in float64 throughout, to tell which of two engines that
     * differ is wrong. Slow; parameters as of {@link #train}.
     *
     * @param inputs frames, (frames, batch, height, width, channels)
     * @param targets as inputs, one frame later
     * @throws io.framecast.FramecastException if the model has something that the peer does not offer
     */
    double[] lossesInFloat64(ModelConfig model, Map<String, HostTensor> initial, int threads, int batch, int frames,
            float[] inputs, float[] targets);

    /** A network with its optimiser. */
    interface Training extends AutoCloseable {

        /**
         * One whole training step: forward, loss, backward, Adam.
         *
         * @param inputs frames, (frames, batch, height, width, channels)
         * @param targets as inputs, one frame later
         * @return the mean loss before the step
         */
        double step(float[] inputs, float[] targets);

        @Override
        void close();
    }
}
