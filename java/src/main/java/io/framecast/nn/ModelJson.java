package io.framecast.nn;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.framecast.FramecastException;
import io.framecast.backend.Activation;
import io.framecast.backend.Elementwise;
import io.framecast.files.JsonFiles;
import io.framecast.text.Quote;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/** Models as JSON, with Keras's names for layers and settings. Unknown keys and types are errors. */
public final class ModelJson {

    private static final JsonMapper MAPPER = JsonMapper.builder()
            .enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();
    private static final int MAX_SIZE = 1 << 14;
    private static final Set<String> PADDINGS = Set.of("same", "valid");

    /** The longest text accepted, in characters: enough for the largest number of layers with generous white space. */
    static final int MAX_TEXT = 1 << 20;

    private ModelJson() {
    }

    /**
     * Writes a model as one line of JSON, with all settings.
     *
     * @param model the model
     * @return the text, which {@link #parse} reads
     */
    public static String write(ModelConfig model) {
        return MAPPER.valueToTree(toMap(model)).toString();
    }

    /**
     * The model as maps and lists, ready for a JSON writer.
     *
     * @param model the model
     * @return the keys and values, in the order of the format
     */
    public static Map<String, Object> toMap(ModelConfig model) {
        Map<String, Object> input = new LinkedHashMap<>();
        input.put("height", model.input().height());
        input.put("width", model.input().width());
        input.put("channels", model.input().channels());
        List<Object> layers = new ArrayList<>();
        for (int k = 0; k < model.layers().size(); k++) {
            LayerConfig layer = model.layers().get(k);
            Connection connection = model.connections().get(k);
            Map<String, Object> map = new LinkedHashMap<>();
            map.put("type", layer.type());
            if (!connection.name().isEmpty()) {
                map.put("name", connection.name());
            }
            if (!connection.inputs().isEmpty()) {
                map.put("inputs", connection.inputs());
            }
            map.putAll(layer.settings());
            layers.add(map);
        }
        Map<String, Object> map = new LinkedHashMap<>();
        map.put("input", input);
        map.put("layers", layers);
        return map;
    }

    /**
     * Reads a model.
     *
     * @param json the text, of at most 2^20 characters
     * @param source the name of the text's source, for messages
     * @return the model
     * @throws FramecastException if it is not JSON, or not a model
     */
    public static ModelConfig parse(String json, String source) {
        if (json.length() > MAX_TEXT) {
            throw new FramecastException("The model in " + source + " is wrong: " + json.length()
                    + " characters are more than a model needs; at most " + MAX_TEXT + " are read.");
        }
        try {
            Settings model = new Settings(MAPPER.readTree(json), "the model");
            Settings input = new Settings(model.required("input"), "\"input\"");
            FrameShape shape = new FrameShape(input.size("height", null), input.size("width", null),
                    input.size("channels", null));
            input.nothingElse();
            JsonNode list = model.required("layers");
            model.nothingElse();
            if (!list.isArray() || list.isEmpty()) {
                throw new FramecastException("\"layers\" must be a list of at least one layer");
            }
            List<LayerConfig> layers = new ArrayList<>();
            List<Connection> connections = new ArrayList<>();
            for (JsonNode node : list) {
                Settings settings = new Settings(node, "layer " + layers.size());
                connections.add(settings.connection());
                layers.add(layer(settings));
            }
            return new ModelConfig(shape, layers, connections);
        } catch (JsonProcessingException e) {
            throw new FramecastException(source + " is not valid JSON: " + JsonFiles.fault(e) + ".", e);
        } catch (FramecastException e) {
            String message = e.getMessage();
            throw new FramecastException("The model in " + source + " is wrong: " + message
                    + (message.endsWith(".") ? "" : "."), e);
        }
    }

    /** Reads a layer's settings. Keys that are not read here are errors. */
    private interface Reader {
        LayerConfig read(Settings settings);
    }

    /** Every layer type by its name in model JSON. A new type is registered here. */
    private static final Map<String, Reader> TYPES = new LinkedHashMap<>();

    static {
        TYPES.put("ConvLSTM2D", settings -> new ConvLstm2D(settings.size("filters", null),
                settings.pair("kernel_size", null), settings.pair("strides", Pair.ONE),
                settings.text("padding", "valid", PADDINGS), settings.pair("dilation_rate", Pair.ONE),
                Activation.named(settings.text("activation", "tanh", Set.of())),
                Activation.named(settings.text("recurrent_activation", "sigmoid", Set.of()))));
        TYPES.put("BatchNormalization", settings -> new BatchNormalization(settings.number("epsilon", 1e-3, 0, 1),
                settings.number("momentum", 0.99, 0, 1)));
        TYPES.put("Conv3D", settings -> {
            int[] kernel = settings.sizes("kernel_size", 3, null);
            return new Conv3D(settings.size("filters", null), kernel[0], new Pair(kernel[1], kernel[2]),
                    settings.pairOfOneFrame("strides", Pair.ONE), settings.text("padding", "same", PADDINGS),
                    settings.pairOfOneFrame("dilation_rate", Pair.ONE),
                    Activation.named(settings.text("activation", "linear", Set.of())));
        });
        TYPES.put("Conv3DTranspose", settings -> {
            int[] kernel = settings.sizes("kernel_size", 3, null);
            return new Conv3DTranspose(settings.size("filters", null), kernel[0], new Pair(kernel[1], kernel[2]),
                    settings.pairOfOneFrame("strides", Pair.ONE), settings.text("padding", "same", PADDINGS),
                    Activation.named(settings.text("activation", "linear", Set.of())));
        });
        TYPES.put("MaxPooling3D", settings -> {
            Pair size = settings.pairOfOneFrame("pool_size", null);
            return new MaxPooling3D(size, settings.pairOfOneFrame("strides", size),
                    settings.text("padding", "valid", PADDINGS));
        });
        TYPES.put("AveragePooling3D", settings -> {
            Pair size = settings.pairOfOneFrame("pool_size", null);
            return new AveragePooling3D(size, settings.pairOfOneFrame("strides", size),
                    settings.text("padding", "valid", PADDINGS));
        });
        TYPES.put("UpSampling3D", settings -> new UpSampling3D(settings.pairOfOneFrame("size", null),
                settings.text("interpolation", "nearest", UpSampling3D.INTERPOLATIONS)));
        TYPES.put("LayerNormalization", settings -> new LayerNormalization(settings.number("epsilon", 1e-3, 0, 1)));
        TYPES.put("Activation", settings -> new ActivationLayer(
                Elementwise.named(settings.text("activation", null, Set.of()))));
        TYPES.put("LeakyReLU", settings -> new LeakyReLU(settings.float32("negative_slope", 0.3, 0)));
        TYPES.put("Rescaling", settings -> new Rescaling(settings.float32("scale", null, -Float.MAX_VALUE),
                settings.float32("offset", 0.0, -Float.MAX_VALUE)));
        TYPES.put("SpaceToDepth", settings -> new SpaceToDepth(settings.size("block_size", null)));
        TYPES.put("DepthToSpace", settings -> new DepthToSpace(settings.size("block_size", null)));
        TYPES.put("BlockMatching2D", settings -> new BlockMatching2D(settings.size("block_size", 4),
                settings.size("max_displacement", 4), settings.oddSize("window", 5)));
        TYPES.put("Add", settings -> new Add());
        TYPES.put("Concatenate", settings -> new Concatenate());
        TYPES.put("LayeredAdvection2D", settings -> new LayeredAdvection2D(settings.size("layers", null),
                settings.size("max_displacement", 4),
                settings.numberUpTo("flow_precision", 0.5, LayeredAdvection2D.MAX_PRECISION)));
    }

    private static String typesInWords() {
        List<String> names = List.copyOf(TYPES.keySet());
        return String.join(", ", names.subList(0, names.size() - 1)) + " and " + names.get(names.size() - 1);
    }

    private static LayerConfig layer(Settings settings) {
        String type = settings.text("type", null, Set.of());
        LayerConfig layer;
        try {
            Reader reader = TYPES.get(type);
            if (reader == null) {
                throw new FramecastException("there is no layer type \"" + Quote.of(type) + "\"; choose from "
                        + typesInWords());
            }
            layer = reader.read(settings);
        } catch (FramecastException e) {
            throw e.getMessage().startsWith(settings.where) ? e
                    : new FramecastException(settings.where + ": " + e.getMessage(), e);
        }
        settings.nothingElse();
        return layer;
    }

    /** The settings of one JSON object. Each is taken once; what remains is an error. */
    private static final class Settings {

        private final JsonNode node;
        private final String where;
        private final Set<String> left = new TreeSet<>();

        Settings(JsonNode node, String where) {
            if (!(node instanceof ObjectNode)) {
                throw new FramecastException(where + " must be a JSON object");
            }
            this.node = node;
            this.where = where;
            for (Iterator<String> names = node.fieldNames(); names.hasNext();) {
                left.add(names.next());
            }
        }

        JsonNode required(String key) {
            JsonNode value = take(key);
            if (value == null) {
                throw new FramecastException(where + " has no \"" + key + "\"");
            }
            return value;
        }

        String text(String key, String byDefault, Set<String> allowed) {
            JsonNode value = byDefault == null ? required(key) : take(key);
            if (value == null) {
                return byDefault;
            }
            if (!value.isTextual() || !(allowed.isEmpty() || allowed.contains(value.textValue()))) {
                throw wrong(key, allowed.isEmpty() ? "a string" : "one of " + new TreeSet<>(allowed), value);
            }
            return value.textValue();
        }

        double number(String key, double byDefault, double above, double below) {
            JsonNode value = take(key);
            if (value == null) {
                return byDefault;
            }
            if (!value.isNumber() || !(value.doubleValue() > above && value.doubleValue() < below)) {
                throw wrong(key, "a number between " + above + " and " + below, value);
            }
            return value.doubleValue();
        }

        double numberUpTo(String key, double byDefault, int most) {
            JsonNode value = take(key);
            if (value == null) {
                return byDefault;
            }
            if (!value.isNumber() || !(value.doubleValue() >= 0 && value.doubleValue() <= most)) {
                throw wrong(key, "a number from 0 to " + most, value);
            }
            return value.doubleValue();
        }

        /** A number from {@code least}. */
        double float32(String key, Double byDefault, float least) {
            JsonNode value = byDefault == null ? required(key) : take(key);
            if (value == null) {
                return byDefault;
            }
            if (!value.isNumber() || !(value.doubleValue() >= least && value.doubleValue() <= Float.MAX_VALUE)) {
                throw wrong(key, least < 0 ? "a number that float32 holds" : "a number from " + (int) least, value);
            }
            return value.doubleValue();
        }

        int size(String key, Integer byDefault) {
            JsonNode value = byDefault == null ? required(key) : take(key);
            return value == null ? byDefault : size(key, value, value);
        }

        int oddSize(String key, int byDefault) {
            int value = size(key, byDefault);
            if (value % 2 == 0) {
                throw wrong(key, "odd", node.get(key));
            }
            return value;
        }

        private int size(String key, JsonNode value, JsonNode whole) {
            if (!value.isInt() || value.intValue() < 1 || value.intValue() > MAX_SIZE) {
                throw wrong(key, "made of whole numbers from 1 to " + MAX_SIZE, whole);
            }
            return value.intValue();
        }

        /** One number for all positions, or a list of {@code count} numbers. */
        int[] sizes(String key, int count, int[] byDefault) {
            JsonNode value = byDefault == null ? required(key) : take(key);
            if (value == null) {
                return byDefault;
            }
            int[] sizes = new int[count];
            if (value.isArray()) {
                if (value.size() != count) {
                    throw wrong(key, "one number or a list of " + count, value);
                }
                for (int k = 0; k < count; k++) {
                    sizes[k] = size(key, value.get(k), value);
                }
            } else {
                Arrays.fill(sizes, size(key, value, value));
            }
            return sizes;
        }

        Pair pair(String key, Pair byDefault) {
            int[] sizes = sizes(key, 2, byDefault == null ? null : byDefault.toArray());
            return new Pair(sizes[0], sizes[1]);
        }

        /** The height and width of Keras's (frames, height, width), where layers treat each frame by itself. */
        Pair pairOfOneFrame(String key, Pair byDefault) {
            int[] sizes = sizes(key, 3, byDefault == null ? null : byDefault.ofOneFrame());
            if (sizes[0] != 1) {
                throw wrong(key, "[1, height, width], with 1 in time: all frames of a video are kept", node.get(key));
            }
            return new Pair(sizes[1], sizes[2]);
        }

        /** The name and the inputs of a layer. */
        Connection connection() {
            JsonNode name = take("name");
            if (name != null && !Connection.isLayerName(name.textValue())) {
                throw wrong("name", Connection.NAME_RULE + ", and not \"" + Connection.MODEL_INPUT + "\"", name);
            }
            JsonNode inputs = take("inputs");
            List<String> names = new ArrayList<>();
            if (inputs != null) {
                inputs.forEach(input -> names.add(input.textValue()));
                if (!inputs.isArray() || names.isEmpty() || names.size() > Connection.MAX_INPUTS
                        || !names.stream().allMatch(Connection::isName)) {
                    throw wrong("inputs", "a list of 1 to " + Connection.MAX_INPUTS + " names of layers before it",
                            inputs);
                }
            }
            return new Connection(name == null ? "" : name.textValue(), names);
        }

        void nothingElse() {
            if (!left.isEmpty()) {
                throw new FramecastException(where + " has an unknown setting \"" + Quote.of(left.iterator().next())
                        + "\"");
            }
        }

        private JsonNode take(String key) {
            left.remove(key);
            return node.get(key);
        }

        private FramecastException wrong(String key, String expected, JsonNode actual) {
            return new FramecastException(where + ": \"" + key + "\" must be " + expected + ", not "
                    + Quote.of(actual));
        }
    }
}
