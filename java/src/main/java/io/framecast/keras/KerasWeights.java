package io.framecast.keras;

import com.fasterxml.jackson.databind.JsonNode;
import io.framecast.FramecastException;
import io.framecast.nn.HostTensor;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;

/** The weights of the layers of a network in an HDF5 file. */
interface KerasWeights {

    /**
     * Reads the weights of all layers, also of models within the model.
     *
     * @return for each layer that has weights, their values in the order of {@link KerasLayer#weights}
     * @throws FramecastException if those in the file are of another model
     */
    Map<KerasLayer, List<HostTensor>> read(List<KerasLayer> layers);

    /** The names of the weights of a layer, in Keras's order. */
    static List<String> names(String type, JsonNode config) {
        List<String> names = new ArrayList<>();
        switch (type) {
            case "ConvLSTM2D" -> names.addAll(List.of("kernel", "recurrent_kernel"));
            case "Conv2D", "Conv3D", "Conv2DTranspose", "Conv3DTranspose", "Dense" -> names.add("kernel");
            case "BatchNormalization", "LayerNormalization" -> {
                if (config.path("scale").asBoolean(true)) {
                    names.add("gamma");
                }
                if (config.path("center").asBoolean(true)) {
                    names.add("beta");
                }
                if (type.equals("BatchNormalization")) {
                    names.addAll(List.of("moving_mean", "moving_variance"));
                }
                return names;
            }
            default -> {
                return names;
            }
        }
        if (config.path("use_bias").asBoolean(true)) {
            names.add("bias");
        }
        return names;
    }

    /** All layers with weights, those of models within the model in their places. */
    static List<KerasLayer> leaves(List<KerasLayer> layers) {
        List<KerasLayer> leaves = new ArrayList<>();
        for (KerasLayer layer : layers) {
            if (layer.inner() != null) {
                leaves.addAll(leaves(layer.inner().layers()));
            } else if (!layer.weights().isEmpty()) {
                leaves.add(layer);
            }
        }
        return leaves;
    }

    /** An empty result: layers are told apart as objects, since two may be equal. */
    static Map<KerasLayer, List<HostTensor>> none() {
        return new IdentityHashMap<>();
    }
}
