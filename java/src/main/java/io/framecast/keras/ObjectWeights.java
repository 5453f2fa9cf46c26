package io.framecast.keras;

import io.framecast.FramecastException;
import io.framecast.nn.HostTensor;
import io.framecast.text.Quote;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Weights as Keras 3 stores them: a group for each object, and in it {@code vars} with its weights 0, 1, 2, ... A
 * layer's group has the name of its class, in snake case, with a number from the second of the class on.
 *
 * @param root the group of the model
 */
record ObjectWeights(Hdf5 root) implements KerasWeights {

    private static final Pattern NUMBERED = Pattern.compile("(.*?)(?:_(\\d{1,6}))?");

    /** Where the groups of a model's layers are, in Keras 3 and in the same format of Keras 2.12 to 2.15. */
    private static final List<String> LAYERS = List.of("layers", "_layer_checkpoint_dependencies");

    /** How deep objects may be nested. */
    private static final int MAX_DEPTH = 40;

    static boolean isIn(Hdf5 root) {
        return layers(root) != null;
    }

    private static Hdf5 layers(Hdf5 model) {
        for (String name : LAYERS) {
            Hdf5 layers = model.group(name);
            if (layers != null) {
                return layers;
            }
        }
        return null;
    }

    @Override
    public Map<KerasLayer, List<HostTensor>> read(List<KerasLayer> layers) {
        Map<KerasLayer, List<HostTensor>> all = KerasWeights.none();
        read(layers, root, all);
        return all;
    }

    private static void read(List<KerasLayer> layers, Hdf5 model, Map<KerasLayer, List<HostTensor>> all) {
        Hdf5 groups = layers(model);
        if (groups == null) {
            throw new FramecastException("The file has no weights of layers as Keras 3 stores them.");
        }
        Map<String, List<Hdf5>> byType = byType(groups);
        Map<String, Integer> used = new HashMap<>();
        for (KerasLayer layer : layers) {
            if (KerasWeights.leaves(List.of(layer)).isEmpty()) {
                continue;
            }
            String key = key(layer.storedType());
            List<Hdf5> stored = byType.getOrDefault(key, List.of());
            int index = used.merge(key, 1, Integer::sum) - 1;
            if (index >= stored.size()) {
                throw new FramecastException("The file has no weights of the " + layer.shown() + ".");
            }
            Hdf5 group = layer.timeDistributed() ? inner(stored.get(index), "layer") : stored.get(index);
            if (layer.inner() != null) {
                read(layer.inner().layers(), group, all);
            } else {
                all.put(layer, values(layer, layer.type().equals("ConvLSTM2D") ? inner(group, "cell") : group));
            }
        }
        byType.forEach((type, stored) -> {
            if (stored.size() != used.getOrDefault(type, 0)) {
                throw new FramecastException("The file has weights of " + stored.size() + " layers of the class "
                        + Quote.of(type) + ", but the model has " + used.getOrDefault(type, 0) + ".");
            }
        });
    }

    private static Hdf5 inner(Hdf5 group, String name) {
        Hdf5 inner = group.group(name);
        return inner == null ? group : inner;
    }

    private static List<HostTensor> values(KerasLayer layer, Hdf5 group) {
        List<HostTensor> values = new ArrayList<>();
        int count = layer.weights().size();
        for (int k = 0; k < count; k++) {
            values.add(group.tensor("vars/" + k));
        }
        if (group.group("vars").hasDataset(String.valueOf(count))) {
            throw new FramecastException("The file has more than the " + count + " weights of the " + layer.shown()
                    + ".");
        }
        return values;
    }

    /** The groups with weights by their classes, in the order of their numbers. */
    private static Map<String, List<Hdf5>> byType(Hdf5 groups) {
        record Numbered(String type, int number, Hdf5 group) {
        }
        List<Numbered> all = new ArrayList<>();
        for (String name : groups.groups()) {
            Matcher parts = NUMBERED.matcher(name);
            Hdf5 group = groups.group(name);
            if (parts.matches() && hasWeights(group, 0)) {
                all.add(new Numbered(key(parts.group(1)),
                        parts.group(2) == null ? 0 : Integer.parseInt(parts.group(2)), group));
            }
        }
        all.sort(Comparator.comparingInt(Numbered::number));
        Map<String, List<Hdf5>> byType = new HashMap<>();
        all.forEach(each -> byType.computeIfAbsent(each.type, type -> new ArrayList<>()).add(each.group));
        return byType;
    }

    /** Whether an object has weights, or one in it has; the state of a random generator is none. */
    private static boolean hasWeights(Hdf5 group, int depth) {
        if (depth > MAX_DEPTH) {
            throw new FramecastException("The file's groups are nested more than " + MAX_DEPTH + " times.");
        }
        for (String name : group.groups()) {
            if (name.startsWith("seed_generator")) {
                continue;
            }
            Hdf5 inner = group.group(name);
            if (name.equals("vars") ? inner.hasDataset("0") : hasWeights(inner, depth + 1)) {
                return true;
            }
        }
        return false;
    }

    /** A class without regard to how its name is split into words, in which Keras 2 and 3 differ. */
    private static String key(String type) {
        return type.replace("_", "").toLowerCase(Locale.ROOT);
    }
}
