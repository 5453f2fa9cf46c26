package io.framecast.nn;

import java.util.List;

/**
 * Which gradients backward computes: those of the values that depend on parameters.
 *
 * @param graph the graph of the model
 * @param needed by value
 */
record Gradients(Graph graph, List<Boolean> needed) {

    /** Whether backward runs for a layer: it has parameters, or a layer before it has. */
    boolean ofOutput(int layer) {
        return needed.get(layer + 1);
    }

    /** For each input of a layer, whether backward computes its gradient. */
    List<Boolean> ofInputs(int layer) {
        return graph.sources(layer).stream().map(needed::get).toList();
    }
}
