package io.framecast.nn;

/**
 * Receives a network's progress through its layers. Calls are asynchronous: a device may still be computing the layer.
 */
@FunctionalInterface
public interface LayerListener {

    /** A direction through the network. */
    enum Pass {
        /** {@link Network#forward} */
        FORWARD,
        /** {@link Network#backward} */
        BACKWARD
    }

    /**
     * Layer {@code index} of the model was called.
     *
     * @param index of the layer, from 0
     * @param pass which of its methods
     */
    void called(int index, Pass pass);
}
