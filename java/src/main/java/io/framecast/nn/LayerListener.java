package io.framecast.nn;

/** Is told of a network's progress through its layers. A device may still be computing what it is told of. */
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
