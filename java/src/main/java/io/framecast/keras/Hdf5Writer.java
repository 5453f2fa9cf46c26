package io.framecast.keras;

import io.framecast.FramecastException;
import io.framecast.nn.HostTensor;
import io.jhdf.HdfFile;
import io.jhdf.WritableHdfFile;
import io.jhdf.api.WritableGroup;
import java.io.IOException;
import java.lang.reflect.Array;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/**
 * A group of an HDF5 file that jHDF writes. Each group must have a dataset, also in a group within it: jHDF 0.9.4 ends
 * a file with a text of its own right after the last dataset, in the place of an empty group.
 */
final class Hdf5Writer {

    /** The longest attribute in the header of an object. */
    private static final int MAX_ATTRIBUTE = 64000;

    private final WritableGroup group;
    private final Map<String, Hdf5Writer> groups = new HashMap<>();

    private Hdf5Writer(WritableGroup group) {
        this.group = group;
    }

    /** The bytes of a file with this content. jHDF writes files only. */
    static byte[] bytes(Consumer<Hdf5Writer> content) {
        try {
            Path file = Files.createTempFile("framecast", ".h5");
            try {
                try (WritableHdfFile hdf5 = HdfFile.write(file)) {
                    content.accept(new Hdf5Writer(hdf5));
                }
                return Files.readAllBytes(file);
            } finally {
                Files.deleteIfExists(file);
            }
        } catch (IOException e) {
            throw new FramecastException("Cannot write a file in the directory for temporary files: " + e.getMessage()
                    + ".", e);
        }
    }

    /** The group of this name; a new one if there is none yet. */
    Hdf5Writer group(String name) {
        return groups.computeIfAbsent(name, key -> new Hdf5Writer(group.putGroup(key)));
    }

    void text(String attribute, String value) {
        requireShort(value.getBytes(StandardCharsets.UTF_8).length);
        group.putAttribute(attribute, value);
    }

    /** A list without strings is left out, as Keras reads it. */
    void texts(String attribute, List<String> values) {
        requireShort((long) values.size() * (1 + values.stream()
                .mapToInt(value -> value.getBytes(StandardCharsets.UTF_8).length).max().orElse(0)));
        if (!values.isEmpty()) {
            group.putAttribute(attribute, values.toArray(String[]::new));
        }
    }

    private static void requireShort(long bytes) {
        if (bytes > MAX_ATTRIBUTE) {
            throw new FramecastException("The model has too many layers for the old format of Keras (.h5); write a "
                    + ".keras file.");
        }
    }

    void dataset(String name, HostTensor values) {
        group.putDataset(name, nested(values.values(), values.shape(), 0, new int[1]));
    }

    /** The values as arrays of arrays, as jHDF takes them. */
    private static Object nested(float[] values, int[] shape, int axis, int[] next) {
        if (axis == shape.length - 1) {
            next[0] += shape[axis];
            return Arrays.copyOfRange(values, next[0] - shape[axis], next[0]);
        }
        int[] outer = new int[shape.length - axis];
        outer[0] = shape[axis];
        Object array = Array.newInstance(float.class, outer);
        for (int k = 0; k < shape[axis]; k++) {
            Array.set(array, k, nested(values, shape, axis + 1, next));
        }
        return array;
    }
}
