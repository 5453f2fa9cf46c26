package io.framecast.keras;

import io.framecast.FramecastException;
import io.framecast.files.AtomicFiles;
import io.framecast.nn.FrameShape;
import io.framecast.nn.HostTensor;
import io.framecast.nn.ModelConfig;
import io.framecast.nn.ParameterSpec;
import io.framecast.train.Checkpoint;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/** Writes models as files that Keras 3 loads; they give the same outputs there. */
public final class KerasWriter {

    /** The files that can be written. */
    public enum Format {
        /** A whole model, {@code .keras}: {@code keras.saving.load_model}. */
        KERAS(".keras"),
        /** Weights alone, {@code .weights.h5}: {@code model.load_weights} of a model with the same layers. */
        WEIGHTS(".weights.h5"),
        /** A whole model in HDF5, {@code .h5}, the old format: {@code keras.saving.load_model}. */
        HDF5(".h5");

        private final String ending;

        Format(String ending) {
            this.ending = ending;
        }

        /**
         * The format that the name of a file says.
         *
         * @param file any path
         * @return the format
         * @throws FramecastException if the name has none of the endings .keras, .weights.h5 and .h5
         */
        public static Format of(Path file) {
            String name = file.toString();
            for (Format format : values()) {
                if (name.endsWith(format.ending)) {
                    return format;
                }
            }
            throw new FramecastException("The name " + file + " says no format of Keras; let it end in .keras or .h5 "
                    + "for a model, or in .weights.h5 for weights alone.");
        }
    }

    /** What the files say that wrote them: the first version of their format. */
    private static final String VERSION = "3.0.0";

    /** The date of entries, so that the same model gives the same bytes. */
    private static final LocalDateTime DATE = LocalDateTime.of(1980, 1, 1, 0, 0);

    private KerasWriter() {
    }

    /**
     * Writes a file atomically; an existing one is replaced.
     *
     * @param checkpoint the model and its parameters
     * @param file the file to write, whose name says the format: see {@link Format#of}
     * @throws FramecastException if Keras has no layer like one of the model's, by its name; or the file cannot be
     *     written
     */
    public static void write(Checkpoint checkpoint, Path file) {
        Format format = Format.of(file);
        KerasConfig config = KerasConfig.of(checkpoint.model());
        byte[] hdf5 = Hdf5Writer.bytes(root -> {
            if (format == Format.HDF5) {
                whole(root, checkpoint, config);
            } else {
                weights(root, checkpoint, config);
            }
        });
        AtomicFiles.write(file, format == Format.KERAS ? out -> archive(out, config, hdf5) : out -> out.write(hdf5));
    }

    private static void archive(OutputStream out, KerasConfig config, byte[] hdf5) throws IOException {
        ZipOutputStream zip = new ZipOutputStream(out);
        Map<String, byte[]> entries = new LinkedHashMap<>();
        entries.put(KerasArchive.METADATA, utf8("{\"keras_version\": \"" + VERSION + "\"}"));
        entries.put(KerasArchive.CONFIG, utf8(config.json().toString()));
        entries.put(KerasArchive.WEIGHTS, hdf5);
        for (Map.Entry<String, byte[]> each : entries.entrySet()) {
            ZipEntry entry = new ZipEntry(each.getKey());
            entry.setTimeLocal(DATE);
            zip.putNextEntry(entry);
            zip.write(each.getValue());
            zip.closeEntry();
        }
        zip.finish();
    }

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    /** As Keras 3 stores weights: see {@link ObjectWeights}. */
    private static void weights(Hdf5Writer root, Checkpoint checkpoint, KerasConfig config) {
        Hdf5Writer layers = root.group("layers");
        List<String> groups = config.groups();
        for (int k = 0; k < groups.size(); k++) {
            if (parameters(checkpoint.model(), k).isEmpty()) {
                continue;
            }
            Hdf5Writer layer = layers.group(groups.get(k));
            Hdf5Writer vars = (config.types().get(k).equals("ConvLSTM2D") ? layer.group("cell") : layer).group("vars");
            vars.text("name", config.names().get(k));
            int index = 0;
            for (ParameterSpec spec : parameters(checkpoint.model(), k)) {
                vars.dataset(String.valueOf(index++), value(checkpoint, k, spec));
            }
        }
    }

    /** As Keras 2 and the old format of Keras 3: see {@link NamedWeights}. */
    private static void whole(Hdf5Writer root, Checkpoint checkpoint, KerasConfig config) {
        root.text("model_config", config.json().toString());
        root.text("keras_version", VERSION);
        root.text("backend", "tensorflow");
        Hdf5Writer weights = root.group("model_weights");
        weights.text("keras_version", VERSION);
        weights.text("backend", "tensorflow");
        List<String> names = new ArrayList<>();
        for (int k = 0; k < config.names().size(); k++) {
            if (parameters(checkpoint.model(), k).isEmpty()) {
                continue;
            }
            names.add(config.names().get(k));
            Hdf5Writer layer = weights.group(config.names().get(k));
            List<String> own = new ArrayList<>();
            for (ParameterSpec spec : parameters(checkpoint.model(), k)) {
                layer.dataset(spec.name(), value(checkpoint, k, spec));
                own.add(spec.name());
            }
            layer.texts("weight_names", own);
        }
        weights.texts("layer_names", names);
    }

    private static List<ParameterSpec> parameters(ModelConfig model, int layer) {
        List<FrameShape> inputs = model.inputShapes().get(layer);
        return model.layers().get(layer).parameters(inputs);
    }

    private static HostTensor value(Checkpoint checkpoint, int layer, ParameterSpec spec) {
        return checkpoint.parameters().get("layers." + layer + "." + spec.name());
    }
}
