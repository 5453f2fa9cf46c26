package io.framecast.keras;

import io.framecast.FramecastException;
import io.framecast.nn.HostTensor;
import io.framecast.text.Quote;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Weights as Keras 2, tf.keras and the old format of Keras 3 store them: a group for each layer, in the order of the
 * attribute {@code layer_names}, with its weights in the order of its attribute {@code weight_names}: first all that
 * are trained, then the others, also where the layer is a model. As in Keras, order decides and not names.
 *
 * @param root the group with the attribute {@code layer_names}
 */
record NamedWeights(Hdf5 root) implements KerasWeights {

    /** One weight of a layer. */
    private record Slot(KerasLayer layer, int index) {
    }

    @Override
    public Map<KerasLayer, List<HostTensor>> read(List<KerasLayer> layers) {
        List<KerasLayer> weighted = layers.stream().filter(layer -> !KerasWeights.leaves(List.of(layer)).isEmpty())
                .toList();
        List<String> names = new ArrayList<>();
        Map<String, List<String>> weights = new HashMap<>();
        for (String name : texts(root, "layer_names")) {
            Hdf5 group = group(name);
            List<String> own = texts(group, "weight_names");
            if (!own.isEmpty()) {
                names.add(name);
                weights.put(name, own);
            }
        }
        if (names.size() != weighted.size()) {
            throw new FramecastException("The file has weights of " + names.size() + " layers, but the model has "
                    + weighted.size() + " layers with weights.");
        }
        Map<KerasLayer, List<HostTensor>> all = KerasWeights.none();
        for (int k = 0; k < names.size(); k++) {
            read(weighted.get(k), group(names.get(k)), weights.get(names.get(k)), all);
        }
        return all;
    }

    private static void read(KerasLayer layer, Hdf5 group, List<String> names,
            Map<KerasLayer, List<HostTensor>> all) {
        List<Slot> trained = new ArrayList<>();
        List<Slot> others = new ArrayList<>();
        slots(layer, true, trained, others);
        trained.addAll(others);
        if (trained.size() != names.size()) {
            throw new FramecastException("The " + layer.shown() + " has " + trained.size() + " weights, but the file "
                    + "has " + names.size() + " for it.");
        }
        KerasWeights.leaves(List.of(layer)).forEach(leaf -> all.put(leaf,
                new ArrayList<>(Collections.nCopies(leaf.weights().size(), null))));
        for (int k = 0; k < names.size(); k++) {
            Slot slot = trained.get(k);
            all.get(slot.layer).set(slot.index, group.tensor(names.get(k)));
        }
    }

    private static void slots(KerasLayer layer, boolean trainable, List<Slot> trained, List<Slot> others) {
        boolean both = trainable && layer.isTrainable();
        if (layer.inner() != null) {
            layer.inner().layers().forEach(inner -> slots(inner, both, trained, others));
            return;
        }
        List<String> names = layer.weights();
        for (int k = 0; k < names.size(); k++) {
            (both && !names.get(k).startsWith("moving_") ? trained : others).add(new Slot(layer, k));
        }
    }

    private Hdf5 group(String name) {
        Hdf5 group = root;
        for (String part : name.split("/", -1)) {
            group = group == null ? null : group.group(part);
        }
        if (group == null) {
            throw new FramecastException("The file has no weights of the layer \"" + Quote.of(name) + "\", which it "
                    + "lists.");
        }
        return group;
    }

    private static List<String> texts(Hdf5 group, String attribute) {
        List<String> texts = group.texts(attribute);
        return texts == null ? List.of() : texts;
    }
}
