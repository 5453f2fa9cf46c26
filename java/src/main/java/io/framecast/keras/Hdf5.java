package io.framecast.keras;

import io.framecast.FramecastException;
import io.framecast.nn.HostTensor;
import io.framecast.text.Quote;
import io.jhdf.HdfFile;
import io.jhdf.api.Attribute;
import io.jhdf.api.Group;
import io.jhdf.api.Link;
import io.jhdf.api.Node;
import io.jhdf.api.dataset.ContiguousDataset;
import io.jhdf.object.datatype.DataType;
import io.jhdf.object.datatype.FloatingPoint;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/**
 * A group of an HDF5 file: what of the format Keras uses. jHDF reads it. It trusts a file's sizes and addresses, so all
 * that it throws is a damaged file here, and {@link LimitedChannel} ends what would not end. Links to other files or
 * places are refused, as Keras does.
 */
final class Hdf5 {

    /** The longest attribute: HDF5's limit for those in an object's header, as Keras writes them. */
    private static final long MAX_ATTRIBUTE = 1 << 16;

    private final String shown;
    private final Group group;

    private Hdf5(String shown, Group group) {
        this.shown = shown;
        this.group = group;
    }

    /**
     * The root group.
     *
     * @param channel the file; the caller closes it
     * @param file its name in messages
     * @throws FramecastException if it is no HDF5 file
     */
    static Hdf5 open(SeekableByteChannel channel, Path file) {
        String shown = "the file " + file;
        // The name is for jHDF's log alone.
        return guarded(shown, () -> new Hdf5(shown, new HdfFile(channel, URI.create("file:/weights.h5"))));
    }

    /** The names of the groups in it, in the file's order, which is not Keras's. */
    List<String> groups() {
        return guarded(shown, () -> group.getChildren().entrySet().stream()
                .filter(child -> child.getValue() instanceof Group).map(Map.Entry::getKey).toList());
    }

    /** The group of this name; null if there is none. */
    Hdf5 group(String name) {
        return child(name) instanceof Group inner ? new Hdf5(shown, inner) : null;
    }

    boolean hasDataset(String name) {
        return child(name) instanceof io.jhdf.api.Dataset;
    }

    /**
     * The values of a dataset of floats.
     *
     * @param path the names of groups and of the dataset, with slashes between them
     * @throws FramecastException if there is no such dataset, or it is of another type, or not stored in one piece
     */
    HostTensor tensor(String path) {
        Hdf5 at = this;
        String[] names = path.split("/", -1);
        for (int k = 0; k + 1 < names.length && at != null; k++) {
            at = at.group(names[k]);
        }
        Node node = at == null ? null : at.child(names[names.length - 1]);
        if (!(node instanceof io.jhdf.api.Dataset found)) {
            throw wrong("it has no values \"" + Quote.of(path) + "\"");
        }
        if (!(found instanceof ContiguousDataset dataset)) {
            throw wrong("its values \"" + Quote.of(path) + "\" are stored in chunks, which Keras does not do; load and "
                    + "save the model with Keras again");
        }
        return guarded(shown, () -> values(dataset, path));
    }

    private HostTensor values(ContiguousDataset dataset, String path) {
        DataType type = dataset.getDataType();
        if (!(type instanceof FloatingPoint number) || !isIeee(number)) {
            throw wrong("its values \"" + Quote.of(path) + "\" are no floating-point numbers of IEEE 754");
        }
        int[] shape = dataset.getDimensions();
        long size = 1;
        for (int dimension : shape) {
            size = dimension < 1 || dimension > HostTensor.MAX_SIZE / size ? HostTensor.MAX_SIZE + 1L
                    : size * dimension;
        }
        if (size > HostTensor.MAX_SIZE || size * type.getSize() > dataset.getHdfFile().size()) {
            throw wrong("its values \"" + Quote.of(path) + "\" of shape " + Quote.of(Arrays.toString(shape))
                    + " are not all in it");
        }
        float[] values = new float[(int) size];
        ByteBuffer bytes = dataset.getBuffer();
        for (int k = 0; k < values.length; k++) {
            values[k] = switch (type.getSize()) {
                case Short.BYTES -> FloatingPoint.toFloat(bytes.getShort());
                case Float.BYTES -> bytes.getFloat();
                default -> (float) bytes.getDouble();
            };
        }
        return new HostTensor(shape, values);
    }

    /** Whether it is a half, a float or a double: by the bits of its parts. */
    private static boolean isIeee(FloatingPoint type) {
        int mantissa = switch (type.getSize()) {
            case Short.BYTES -> 10;
            case Float.BYTES -> 23;
            case Double.BYTES -> 52;
            default -> -1;
        };
        int exponent = 8 * type.getSize() - 1 - mantissa;
        return mantissa > 0 && type.getMantissaSize() == mantissa && type.getMantissaLocation() == 0
                && type.getExponentSize() == exponent && type.getExponentLocation() == mantissa
                && type.getExponentBias() == (1 << exponent - 1) - 1 && type.getBitOffset() == 0
                && type.getBitPrecision() == 8 * type.getSize();
    }

    /** An attribute that is a string; null if there is none. */
    String text(String attribute) {
        List<String> texts = strings(attribute);
        return texts == null || texts.size() != 1 ? null : texts.get(0);
    }

    /** An attribute that is a list of strings. Keras splits a long one; null if there is none. */
    List<String> texts(String attribute) {
        List<String> whole = strings(attribute);
        if (whole != null) {
            return whole;
        }
        List<String> parts = new ArrayList<>();
        List<String> part;
        for (int k = 0; (part = strings(attribute + k)) != null; k++) {
            parts.addAll(part);
        }
        return parts.isEmpty() ? null : parts;
    }

    private List<String> strings(String name) {
        return guarded(shown, () -> {
            Attribute attribute = group.getAttribute(name);
            if (attribute == null || attribute.isEmpty()) {
                return attribute == null ? null : List.of();
            }
            if (attribute.getSizeInBytes() > MAX_ATTRIBUTE || attribute.getDimensions().length > 1
                    || attribute.getSizeInBytes() > attribute.getBuffer().remaining()) {
                throw wrong("its attribute \"" + Quote.of(name) + "\" is no list of strings");
            }
            if (attribute.getSize() == 0) {
                return List.of();
            }
            Object data = attribute.getData();
            if (data instanceof String text) {
                return List.of(text);
            }
            if (data instanceof String[] texts) {
                return Arrays.stream(texts).map(text -> text == null ? "" : text).toList();
            }
            if (attribute.getJavaType() == double.class || attribute.getJavaType() == float.class) {
                return List.of(); // h5py's type of an empty list.
            }
            throw wrong("its attribute \"" + Quote.of(name) + "\" is no list of strings");
        });
    }

    private Node child(String name) {
        Node node = guarded(shown, () -> group.getChildren().get(name));
        if (node instanceof Link) {
            throw wrong("\"" + Quote.of(name) + "\" is a link to another place, which is not followed");
        }
        return node;
    }

    private FramecastException wrong(String what) {
        return new FramecastException(sentence(shown, what));
    }

    private static String sentence(String shown, String what) {
        return "Cannot read " + shown + ": " + what + ".";
    }

    /** jHDF reports a damaged file by exceptions of many kinds; a loop of addresses ends as a full stack. */
    private static <T> T guarded(String shown, Supplier<T> reading) {
        try {
            return reading.get();
        } catch (FramecastException e) {
            throw e;
        } catch (RuntimeException | StackOverflowError | OutOfMemoryError e) {
            throw new FramecastException(sentence(shown, "it is damaged, or " + (e instanceof OutOfMemoryError
                    ? "a part of it does not fit into the Java heap" : "no HDF5 file as Keras writes it")), e);
        }
    }
}
