package io.framecast.nn;

/** Is told of a network's progress through its layers. A device may still be computing what it is told of. */
@FunctionalInterface
public interface LayerListener {

    enum Pass {
        FORWARD, BACKWARD
    }

    /** Layer {@code index} of the model was called. */
    void called(int index, Pass pass);
}
