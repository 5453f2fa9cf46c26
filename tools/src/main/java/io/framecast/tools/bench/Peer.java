package io.framecast.tools.bench;

import io.framecast.backend.Precision;
import io.framecast.nn.HostTensor;
import io.framecast.nn.ModelConfig;
import java.util.List;
import java.util.Map;

/**
 * Another engine that trains the same networks on the same CPU, for comparison. Engines are found by
 * {@link java.util.ServiceLoader}, so that none is needed on the class path without a comparison.
 */
public interface Peer {

    /** The engine's name for {@code --peer}. */
    String name();

    /** The engine and its version, for messages. */
    String description();

    /** Descriptions of the ways to write a network in this engine that differ in speed; at least one. */
    List<String> ways();

    /**
     * Creates the training of a network with binary cross-entropy from logits, and Adam with a learning rate of 1e-3.
     *
     * @param model must end with a sigmoid, so that there are logits
     * @param initial the initial parameters, with the names and shapes of {@link ModelConfig#parameters}
     * @param precision {@link Precision#FP32} or {@link Precision#BF16}
     * @param threads the number of threads
     * @param batch videos per step
     * @param frames input frames per video
     * @param way one of {@link #ways}
     * @throws io.framecast.FramecastException if the peer does not support the model
     */
    Training train(ModelConfig model, Map<String, HostTensor> initial, Precision precision, int threads, int batch,
            int frames, String way);

    /**
     * The losses of the first and of the second step, computed in float64 throughout, to decide which of two engines is
     * wrong if they differ. Slow. The parameters are those of {@link #train}.
     *
     * @param inputs frames, (frames, batch, height, width, channels)
     * @param targets of the same shape, one frame later
     * @throws io.framecast.FramecastException if the peer does not support the model
     */
    double[] lossesInFloat64(ModelConfig model, Map<String, HostTensor> initial, int threads, int batch, int frames,
            float[] inputs, float[] targets);

    /** A network with its optimiser. */
    interface Training extends AutoCloseable {

        /**
         * One complete training step: forward, loss, backward, Adam.
         *
         * @param inputs frames, (frames, batch, height, width, channels)
         * @param targets of the same shape, one frame later
         * @return the mean loss before the step
         */
        double step(float[] inputs, float[] targets);

        @Override
        void close();
    }
}
