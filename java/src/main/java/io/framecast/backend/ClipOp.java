package io.framecast.backend;

/** Clips gradients by their global norm: scales all of them down where they are too large together. */
public interface ClipOp extends AutoCloseable {

    /**
     * Multiplies the gradients by norm / max(norm, their Euclidean norm), as Keras's {@code global_clipnorm} does.
     * Gradients that are not larger stay the same bits. The sum is one of double precision in a fixed order.
     */
    void clip();

    @Override
    void close();
}
