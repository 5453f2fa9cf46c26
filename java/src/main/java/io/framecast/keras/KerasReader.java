package io.framecast.keras;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import io.framecast.FramecastException;
import io.framecast.Remedy;
import io.framecast.files.JsonFiles;
import io.framecast.nn.FrameShape;
import io.framecast.nn.HostTensor;
import io.framecast.nn.LayerConfig;
import io.framecast.nn.ModelConfig;
import io.framecast.nn.Pair;
import io.framecast.system.JavaHeap;
import io.framecast.text.Quote;
import io.framecast.train.Checkpoint;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/**
 * Reads models that Keras saved: {@code .keras} of Keras 3 (and 2.12 to 2.15), whole models in HDF5 of Keras 2,
 * tf.keras and Keras 3, and weights alone for a model that is given. What a file is shows its content, not its name.
 *
 * <p>Sequential and functional models of one input and one output are taken, with the layers that have a counterpart in
 * the engine, channels last. The README lists them. Anything else is refused by the name of its layer.
 */
public final class KerasReader {

    /**
     * A model that was read.
     *
     * @param checkpoint the model and its parameters
     * @param notes what differs from the model in Keras without changing its forecasts, one sentence each
     */
    public record Imported(Checkpoint checkpoint, List<String> notes) {
    }

    private static final JsonMapper MAPPER = new JsonMapper();
    private static final byte[] ZIP = {'P', 'K', 3, 4};
    private static final byte[] HDF5 = {(byte) 0x89, 'H', 'D', 'F', '\r', '\n', 26, '\n'};

    /** The longest config.json, in bytes; Keras writes about 2,000 for a layer. */
    private static final int MAX_CONFIG = 1 << 24;

    private static final int FIRST_OF_KERAS_3 = 3;

    /** The axes of a video: batch, frames, height, width, channels. */
    private static final int AXES = 5;
    private static final int MAX_SIZE = 1 << 14;

    private KerasReader() {
    }

    /**
     * Whether a file is one of Keras's by its first bytes: a zip archive or an HDF5 file, which no checkpoint of the
     * engine is.
     *
     * @param file any file
     * @return false also if there is no such file, or it cannot be read
     */
    public static boolean isKeras(Path file) {
        if (!Files.isRegularFile(file)) {
            return false;
        }
        try {
            byte[] first = first(file);
            return startsWith(first, ZIP) || startsWith(first, HDF5);
        } catch (IOException e) {
            return false;
        }
    }

    private static byte[] first(Path file) throws IOException {
        try (InputStream in = Files.newInputStream(file)) {
            return in.readNBytes(HDF5.length);
        }
    }

    private static boolean startsWith(byte[] bytes, byte[] magic) {
        return bytes.length >= magic.length && Arrays.equals(bytes, 0, magic.length, magic, 0, magic.length);
    }

    /**
     * Reads a whole model.
     *
     * @param file what {@code model.save} of Keras wrote
     * @param size the height and width of frames; null: those of the model, which must have them
     * @return the model, its parameters, and what to know of it
     * @throws FramecastException if it is no such file, is damaged, leaves the size of frames open, or has a layer that
     *     the engine has not, or not with these settings
     */
    public static Imported read(Path file, Pair size) {
        return opened(file, contents -> {
            if (contents.model == null) {
                throw new FramecastException("The file " + file + " has weights alone, without a model; import them "
                        + "for a model.", Remedy.GIVE_MODEL);
            }
            JsonNode json = MAPPER.readTree(contents.model);
            KerasNetwork network = KerasNetwork.of(json);
            ImportedModel imported = new ImportedModel(network, isKeras2(contents.version, file));
            ModelConfig model = imported.model(frames(network.inputShape(), size), file);
            // Weights after the model: what is wrong with the model needs none of them.
            Map<String, HostTensor> parameters = imported.parameters(model,
                    contents.weights().read(network.layers()));
            return new Imported(new Checkpoint(model, parameters, null), imported.notes());
        });
    }

    /**
     * Reads weights into a model: those of its layers with parameters, in their order.
     *
     * @param file what {@code save_weights} or {@code save} of Keras wrote
     * @param model the same layers with the same shapes of weights, which Keras's layers of the same classes have
     * @return the model with the weights
     * @throws FramecastException if it is no such file, is damaged, or has weights of another model
     */
    public static Imported readWeights(Path file, ModelConfig model) {
        return opened(file, contents -> {
            List<KerasLayer> layers = new ArrayList<>();
            List<List<FrameShape>> shapes = model.inputShapes();
            for (int k = 0; k < model.layers().size(); k++) {
                LayerConfig layer = model.layers().get(k);
                KerasLayer keras = new KerasLayer("layers." + k, layer.type(), JsonNodeFactory.instance.objectNode(),
                        false, List.of(), null);
                layers.add(layer.parameters(shapes.get(k)).isEmpty() ? null : keras);
            }
            Map<KerasLayer, List<HostTensor>> weights = contents.weights()
                    .read(layers.stream().filter(layer -> layer != null).toList());
            Map<String, HostTensor> parameters = ImportedModel.parameters(model, layers, weights);
            return new Imported(new Checkpoint(model, parameters, null), List.of());
        });
    }

    /** What a file has. */
    private record Contents(String model, String version, byte[] bytes, Path file) {

        KerasWeights weights() {
            Hdf5 root = Hdf5.open(new LimitedChannel(bytes), file);
            Hdf5 whole = root.group("model_weights");
            return ObjectWeights.isIn(root) ? new ObjectWeights(root) : new NamedWeights(whole == null ? root : whole);
        }
    }

    /** Makes something of a file's contents. */
    private interface Reading {
        Imported of(Contents contents) throws IOException;
    }

    private static Imported opened(Path file, Reading reading) {
        try {
            return reading.of(contents(file));
        } catch (JsonProcessingException e) {
            throw new FramecastException("Cannot read the model in the file " + file + ": it is not valid JSON: "
                    + JsonFiles.fault(e) + ".", e);
        } catch (NoSuchFileException e) {
            throw new FramecastException("There is no file " + file + ".", e);
        } catch (AccessDeniedException e) {
            throw new FramecastException("Cannot read the file " + file + ": permission denied.", e);
        } catch (IOException e) {
            throw new FramecastException("Cannot read the file " + file + ": it is damaged, or was not written to its "
                    + "end" + (e.getMessage() == null ? "" : " (" + Quote.of(e.getMessage()) + ")") + ".", e);
        }
    }

    private static Contents contents(Path file) throws IOException {
        byte[] first = first(file);
        if (startsWith(first, ZIP)) {
            try (KerasArchive archive = new KerasArchive(file)) {
                String version = MAPPER.readTree(archive.text(KerasArchive.METADATA, MAX_CONFIG)).path("keras_version")
                        .asText("");
                return new Contents(archive.text(KerasArchive.CONFIG, MAX_CONFIG), version,
                        archive.bytes(KerasArchive.WEIGHTS), file);
            }
        }
        if (!startsWith(first, HDF5)) {
            throw new FramecastException("The file " + file + " is no model of Keras: neither a .keras archive nor "
                    + "HDF5.");
        }
        JavaHeap.require(Files.size(file), "The file " + file);
        byte[] bytes = Files.readAllBytes(file);
        Hdf5 root = Hdf5.open(new LimitedChannel(bytes), file);
        String version = root.text("keras_version");
        Hdf5 weights = root.group("model_weights");
        return new Contents(root.text("model_config"),
                version == null && weights != null ? weights.text("keras_version") : version, bytes, file);
    }

    private static boolean isKeras2(String version, Path file) {
        String major = version == null ? "" : version.split("\\.")[0];
        if (!major.matches("\\d{1,3}") || Integer.parseInt(major) < 2) {
            throw new FramecastException("The file " + file + " was not written by Keras 2 or 3, but by version \""
                    + Quote.of(version == null ? "" : version) + "\"; load and save the model with a newer Keras.");
        }
        return Integer.parseInt(major) < FIRST_OF_KERAS_3;
    }

    private static FrameShape frames(JsonNode shape, Pair size) {
        if (shape.size() != AXES) {
            throw new FramecastException("The Keras model takes inputs of the shape " + Quote.of(shape)
                    + ", not videos (batch, frames, height, width, channels).");
        }
        int channels = shape.get(AXES - 1).asInt();
        int height = size == null ? shape.get(2).asInt() : size.height();
        int width = size == null ? shape.get(3).asInt() : size.width();
        if (height < 1 || width < 1) {
            throw new FramecastException("The Keras model leaves the size of its frames open, with the shape "
                    + Quote.of(shape) + "; import it for frames of one size.", Remedy.FRAME_SIZE);
        }
        if (channels < 1 || Math.max(channels, Math.max(height, width)) > MAX_SIZE) {
            throw new FramecastException("The Keras model takes frames of the shape " + Quote.of(shape)
                    + ", whose height, width and channels must be from 1 to " + MAX_SIZE + ".");
        }
        return new FrameShape(height, width, channels);
    }
}
