package io.framecast.backend;

/**
 * A layer's computation, planned for one shape and bound to its parameters. Tensors it returns are its own, and valid
 * until it is called again.
 */
public interface Op extends AutoCloseable {

    /**
     * Computes the outputs.
     *
     * @param x (frames, batch, height, width, channels); for backward it must stay as it is until then
     * @param frames at most those of the plan
     * @param batch at most that of the plan
     * @param training whether the pass is part of a training step: batch normalisation then uses and records the
     *     statistics of the batch
     * @return (frames, batch, output height, output width, output channels)
     */
    Tensor forward(Tensor x, int frames, int batch, boolean training);

    /**
     * Fills the parameters' gradients from {@code dy}, the gradient of what the last forward returned, which it may
     * overwrite.
     *
     * @param dy of the shape that forward returned
     * @return the gradient of x, or null if the plan did not ask for it
     */
    Tensor backward(Tensor dy);

    @Override
    void close();
}
