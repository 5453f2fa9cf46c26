package io.framecast.nn;

import io.framecast.FramecastException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Which layers read which values. Value 0 is the model's input, value k + 1 the output of layer k. A layer reads only
 * values of layers before it in the list.
 */
final class Graph {

    private final List<List<Integer>> sources = new ArrayList<>();
    private final List<List<Integer>> readers = new ArrayList<>();

    /**
     * Finds the layers by their names.
     *
     * @throws FramecastException if a name is used twice, or is unknown or that of a later layer where it is taken as
     *     an input
     */
    Graph(List<LayerConfig> layers, List<Connection> connections) {
        Map<String, Integer> all = new HashMap<>();
        for (int k = 0; k < layers.size(); k++) {
            String name = connections.get(k).name();
            if (!name.isEmpty() && all.putIfAbsent(name, k + 1) != null) {
                throw new FramecastException("Layers " + (all.get(name) - 1) + " and " + k + " have the same name \""
                        + name + "\".");
            }
        }
        all.put(Connection.MODEL_INPUT, 0);
        readers.add(new ArrayList<>());
        for (int k = 0; k < layers.size(); k++) {
            List<Integer> values = new ArrayList<>();
            for (String input : connections.get(k).inputs()) {
                values.add(value(all, input, k, layers.get(k)));
            }
            sources.add(values.isEmpty() ? List.of(k) : List.copyOf(values));
            readers.add(new ArrayList<>());
            for (int value : sources.get(k)) {
                readers.get(value).add(k);
            }
        }
    }

    private static int value(Map<String, Integer> all, String input, int layer, LayerConfig config) {
        Integer value = all.get(input);
        if (value == null) {
            throw new FramecastException(text(layer, config) + " has the input \"" + input
                    + "\", and no layer has this name.");
        }
        if (value > layer) {
            throw new FramecastException(text(layer, config) + " has the input \"" + input + "\", which is layer "
                    + (value - 1) + "; list each layer after its inputs.");
        }
        return value;
    }

    /** @throws FramecastException if no layer takes the output of a layer other than the last */
    void requireAllUsed(List<LayerConfig> layers) {
        for (int k = 0; k + 1 < layers.size(); k++) {
            if (readers.get(k + 1).isEmpty()) {
                throw new FramecastException(text(k, layers.get(k)) + " is not used: no layer after it takes its "
                        + "output; name it as an input of one, or remove it.");
            }
        }
    }

    /** A layer in messages. */
    static String text(int layer, LayerConfig config) {
        return "Layer " + layer + " (" + config.type() + ")";
    }

    /** The values that a layer reads, in the order of its inputs; at least one. */
    List<Integer> sources(int layer) {
        return sources.get(layer);
    }

    /** The layers that read a value, in order; one that reads it twice is in it twice. */
    List<Integer> readers(int value) {
        return Collections.unmodifiableList(readers.get(value));
    }
}
