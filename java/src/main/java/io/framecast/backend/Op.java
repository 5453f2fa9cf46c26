package io.framecast.backend;

/**
 * A layer's computation, planned for one shape and bound to its parameters. The op owns the tensors it returns; they
 * are valid until its next call.
 */
public interface Op extends AutoCloseable {

    /**
     * Computes the outputs.
     *
     * @param x (frames, batch, height, width, channels); in training it must not change until backward
     * @param frames at most those of the plan
     * @param batch at most that of the plan
     * @param training whether the pass is part of a training step: batch normalisation then uses and records the
     *     statistics of the batch
     * @return (frames, batch, output height, output width, output channels)
     */
    Tensor forward(Tensor x, int frames, int batch, boolean training);

    /**
     * Computes the parameters' gradients from {@code dy}, the gradient of the output of the last forward. May overwrite
     * {@code dy}.
     *
     * @param dy the gradient, in the shape that forward returned
     * @return the gradient of x; null if the plan has no inputGradient
     */
    Tensor backward(Tensor dy);

    @Override
    void close();
}
