package io.framecast.keras;

import com.fasterxml.jackson.databind.JsonNode;
import io.framecast.text.Quote;
import java.util.List;

/**
 * A layer of a Keras model, as its config has it.
 *
 * @param name Keras's name of the layer
 * @param type its class; of a TimeDistributed the class of the layer in it
 * @param config its settings; of a TimeDistributed those of the layer in it
 * @param timeDistributed whether it is in a TimeDistributed
 * @param inputs the names of the layers whose outputs it takes
 * @param inner the layers of a model that is used as a layer; null for any other layer
 */
record KerasLayer(String name, String type, JsonNode config, boolean timeDistributed, List<String> inputs,
        KerasNetwork inner) {

    /** The layer in messages. */
    String shown() {
        return "layer \"" + Quote.of(name) + "\" (" + Quote.of(type) + ")";
    }

    /** The class of the object that Keras stores the weights of. */
    String storedType() {
        return timeDistributed ? "TimeDistributed" : type;
    }

    LayerSettings settings() {
        return new LayerSettings(shown(), config);
    }

    boolean isTrainable() {
        return config.path("trainable").asBoolean(true);
    }

    /** The names of the layer's weights, in Keras's order. */
    List<String> weights() {
        return KerasWeights.names(type, config);
    }
}
