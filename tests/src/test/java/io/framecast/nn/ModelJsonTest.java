package io.framecast.nn;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.framecast.FramecastException;
import io.framecast.backend.Activation;
import io.framecast.backend.Elementwise;
import io.framecast.backend.Loss;
import java.io.IOException;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class ModelJsonTest {

    /** Layers on frames of 8x8x4. Single quotes stand for double ones. */
    private static String model(String layers) {
        return "{'input': {'height': 8, 'width': 8, 'channels': 4}, 'layers': [" + layers + "]}";
    }

    private static ModelConfig parse(String json) {
        return ModelJson.parse(json.replace('\'', '"'), "m.json");
    }

    private static String lstm(String settings) {
        return model("{'type': 'ConvLSTM2D', 'filters': 2, 'kernel_size': 3, " + settings + "}");
    }

    @Test
    void theExampleOfTheFormatMeansWhatKerasMeans() {
        ModelConfig model = parse("""
                {"input": {"height": 64, "width": 48, "channels": 1}, "layers": [
                  {"type": "ConvLSTM2D", "filters": 64, "kernel_size": [5, 3], "padding": "same",
                   "activation": "relu", "recurrent_activation": "hard_sigmoid"},
                  {"type": "BatchNormalization"},
                  {"type": "Conv3D", "filters": 1, "kernel_size": [3, 5, 7], "activation": "sigmoid"}]}""");
        assertEquals(new FrameShape(64, 48, 1), model.input());
        assertEquals(new FrameShape(64, 48, 1), model.output());
        assertEquals(List.of(
                new ConvLstm2D(64, new Pair(5, 3), Pair.ONE, "same", Pair.ONE, Activation.RELU,
                Activation.HARD_SIGMOID),
                new BatchNormalization(1e-3, 0.99),
                new Conv3D(1, 3, new Pair(5, 7), Activation.SIGMOID)), model.layers());
        assertArrayEquals(new int[] {3, 5, 7, 64, 1}, model.parameters().get("layers.2.kernel").shape());
    }

    @Test
    void whatIsLeftOutIsAsInKeras() {
        ModelConfig model = parse(model("{'type': 'ConvLSTM2D', 'filters': 2, 'kernel_size': 3},"
                + "{'type': 'Conv3D', 'filters': 2, 'kernel_size': 1}"));
        // Keras: padding "valid", activation "tanh", recurrent_activation "sigmoid", no activation in Conv3D.
        assertEquals(new FrameShape(6, 6, 2), model.shapes().get(1));
        assertEquals(new ConvLstm2D(2, new Pair(3, 3), Pair.ONE, "valid", Pair.ONE, Activation.TANH,
                Activation.SIGMOID),
                model.layers().get(0));
        assertEquals(Activation.LINEAR, ((Conv3D) model.layers().get(1)).activation());
        assertEquals(List.of(new BlockMatching2D(4, 4, 5)),
                parse(model("{'type': 'BlockMatching2D'}")).layers());
        Pair two = new Pair(2, 2);
        assertEquals(List.of(new MaxPooling3D(two, two, "valid"), new AveragePooling3D(Pair.ONE, Pair.ONE, "valid"),
                new UpSampling3D(two, "nearest"), new LayerNormalization(1e-3), new LeakyReLU(0.3),
                new Rescaling(2, 0)),
                parse(model("{'type': 'MaxPooling3D', 'pool_size': [1, 2, 2]}, {'type': 'AveragePooling3D', "
                        + "'pool_size': 1}, {'type': 'UpSampling3D', 'size': [1, 2, 2]}, {'type': "
                        + "'LayerNormalization'}, {'type': 'LeakyReLU'}, {'type': 'Rescaling', 'scale': 2}")).layers());
    }

    /** The sizes of TensorFlow's documentation of convolutions, and of Keras's deconv_output_length. */
    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "'type': 'Conv3D', 'kernel_size': [1, 3, 4], 'strides': [1, 2, 3]                         | 4x3x2",
        "'type': 'Conv3D', 'kernel_size': [1, 3, 4], 'strides': [1, 2, 3], 'padding': 'valid'     | 3x2x2",
        "'type': 'Conv3D', 'kernel_size': [1, 3, 4], 'dilation_rate': [1, 3, 2], 'padding': 'valid' | 2x2x2",
        "'type': 'Conv3DTranspose', 'kernel_size': [3, 3, 4], 'strides': [1, 2, 3]                | 16x24x2",
        "'type': 'Conv3DTranspose', 'kernel_size': [1, 3, 2], 'strides': [1, 2, 3], 'padding': 'valid' | 17x24x2",
        "'type': 'MaxPooling3D', 'pool_size': [1, 3, 2]                                           | 2x4x4",
        "'type': 'MaxPooling3D', 'pool_size': [1, 3, 2], 'padding': 'same'                        | 3x4x4",
        "'type': 'AveragePooling3D', 'pool_size': [1, 3, 2], 'strides': [1, 2, 1]                 | 3x7x4",
        "'type': 'UpSampling3D', 'size': [1, 2, 3]                                                | 16x24x4"})
    void framesHaveTheSizesOfKeras(String layer, String shape) {
        String filters = layer.contains("kernel") ? ", 'filters': 2" : "";
        assertEquals(shape, parse(model("{" + layer.strip() + filters + "}")).output().toString());
    }

    @Test
    void optionsThatAreTheDefaultAreNotWritten() {
        String plain = ModelJson.write(parse(model("{'type': 'Conv3D', 'filters': 1, 'kernel_size': [1, 2, 3]}")));
        assertTrue(plain.endsWith("[{\"type\":\"Conv3D\",\"filters\":1,\"kernel_size\":[1,2,3],\"padding\":\"same\","
                + "\"activation\":\"linear\"}]}"), plain);
    }

    /** A transposed convolution's kernel has its filters before the channels of its input. */
    @Test
    void aTransposedConvolutionHasTheKernelOfTheConvolutionThatItTransposes() {
        ModelConfig model = parse(model("{'type': 'Conv3DTranspose', 'filters': 3, 'kernel_size': [5, 2, 1], "
                + "'strides': [1, 2, 2], 'activation': 'sigmoid'}"));
        assertArrayEquals(new int[] {5, 2, 1, 3, 4}, model.parameters().get("layers.0.kernel").shape());
        assertArrayEquals(new int[] {3}, model.parameters().get("layers.0.bias").shape());
        assertEquals(Loss.BINARY_CROSSENTROPY_FROM_LOGITS, model.computedAs(Loss.BINARY_CROSSENTROPY));
    }

    /** The logits are found before layers that only move values, but not before those that change them. */
    @Test
    void aSigmoidLayerAtTheEndIsTrainedFromItsLogits() {
        String sigmoid = "{'type': 'Activation', 'activation': 'sigmoid'}";
        for (String last : List.of("{'type': 'UpSampling3D', 'size': [1, 2, 2]}",
                "{'type': 'MaxPooling3D', 'pool_size': [1, 2, 2]}", "{'type': 'Activation', 'activation': 'linear'}")) {
            assertEquals(Loss.BINARY_CROSSENTROPY_FROM_LOGITS,
                    parse(model(sigmoid + "," + last)).computedAs(Loss.BINARY_CROSSENTROPY));
        }
        for (String last : List.of("{'type': 'UpSampling3D', 'size': [1, 2, 2], 'interpolation': 'bilinear'}",
                "{'type': 'Rescaling', 'scale': 2}", "{'type': 'AveragePooling3D', 'pool_size': [1, 2, 2]}")) {
            assertEquals(Loss.BINARY_CROSSENTROPY,
                    parse(model(sigmoid + "," + last)).computedAs(Loss.BINARY_CROSSENTROPY));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "{'type': 'ConvLSTM2D', 'filters': 3, 'kernel_size': [2, 3], 'strides': [2, 1], 'padding': 'valid'}",
        "{'type': 'ConvLSTM2D', 'filters': 1, 'kernel_size': 3, 'dilation_rate': [1, 2], 'activation': 'linear', "
            + "'recurrent_activation': 'hard_sigmoid_keras2'}",
        "{'type': 'BatchNormalization', 'epsilon': 1e-5, 'momentum': 0.9}",
        "{'type': 'SpaceToDepth', 'block_size': 4}, {'type': 'DepthToSpace', 'block_size': 2}",
        "{'type': 'BlockMatching2D', 'block_size': 2, 'max_displacement': 7, 'window': 1}",
        "{'type': 'BatchNormalization', 'name': 'a'}, {'type': 'Concatenate', 'name': 'b-2', 'inputs': ['a', 'input']},"
            + "{'type': 'Conv3D', 'filters': 8, 'kernel_size': 1, 'name': 'c_C'}, "
            + "{'type': 'Add', 'inputs': ['b-2', 'c_C']}",
        "{'type': 'SpaceToDepth', 'block_size': 4, 'name': 'patches'},"
            + "{'type': 'Conv3D', 'filters': 18, 'kernel_size': 1, 'name': 'filters'}, {'type': 'LayeredAdvection2D', "
            + "'layers': 3, 'max_displacement': 1, 'flow_precision': 0, "
            + "'inputs': ['input', 'input', 'filters', 'patches']}",
        "{'type': 'Conv3D', 'filters': 2, 'kernel_size': [1, 2, 3], 'padding': 'valid', 'strides': [1, 2, 3]},"
            + "{'type': 'Conv3D', 'filters': 2, 'kernel_size': [3, 1, 1], 'dilation_rate': [1, 2, 3]}",
        "{'type': 'Conv3DTranspose', 'filters': 2, 'kernel_size': [3, 2, 3], 'activation': 'relu'},"
            + "{'type': 'Conv3DTranspose', 'filters': 2, 'kernel_size': [1, 2, 3], 'padding': 'valid', "
            + "'strides': [1, 2, 3]}",
        "{'type': 'MaxPooling3D', 'pool_size': [1, 3, 2], 'strides': [1, 1, 2], 'padding': 'same'},"
            + "{'type': 'AveragePooling3D', 'pool_size': [1, 3, 2]}",
        "{'type': 'UpSampling3D', 'size': [1, 3, 2]},"
            + "{'type': 'UpSampling3D', 'size': [1, 1, 2], 'interpolation': 'bilinear'}",
        "{'type': 'LayerNormalization', 'epsilon': 1e-6}, {'type': 'Activation', 'activation': 'gelu'},"
            + "{'type': 'LeakyReLU', 'negative_slope': 0}, {'type': 'Rescaling', 'scale': -2, 'offset': 0.5}",
        "{'type': 'Conv3D', 'filters': 16384, 'kernel_size': [1, 2, 3], 'padding': 'same', 'activation': 'tanh'}"})
    void whatIsWrittenIsReadAgain(String layers) {
        ModelConfig model = parse(model(layers));
        assertEquals(model, ModelJson.parse(ModelJson.write(model), "again"));
    }

    @Test
    void thePresetsMapFramesToFramesAndKerasIsTheReferenceNetwork() throws IOException {
        for (String preset : Models.PRESETS) {
            for (FrameShape frames : List.of(new FrameShape(64, 64, 1), new FrameShape(32, 48, 3))) {
                ModelConfig model = Models.load(preset, frames);
                model.requireFramesToFrames();
                assertEquals(model, ModelJson.parse(ModelJson.write(model), preset));
            }
        }
        ModelConfig keras = Models.load("keras");
        // kernel + recurrent kernel + bias: 25*1*256 + 25*64*256 + 256, 9*64*256*2 + 256, 64*256*2 + 256, twice 4*64
        // for batch norm, 27*64 + 1 for Conv3D.
        assertEquals(416_256 + 295_168 + 33_024 + 2 * 256 + 1_729,
                keras.parameters().values().stream().mapToInt(ParameterSpec::size).sum());
        assertEquals(List.of("ConvLSTM2D", "BatchNormalization", "ConvLSTM2D", "BatchNormalization", "ConvLSTM2D",
                "Conv3D"), keras.layers().stream().map(LayerConfig::type).toList());
        Set<String> keys = new TreeSet<>();
        new ObjectMapper().readTree(ModelJson.write(keras)).at("/layers/0").fieldNames().forEachRemaining(keys::add);
        assertEquals(Set.of("type", "filters", "kernel_size", "strides", "padding", "dilation_rate", "activation",
                "recurrent_activation"), keys);
    }

    /** Its last layer has no filters: whatever the frames, the patches and the gates have the channels that fit. */
    @ParameterizedTest
    @CsvSource({"64, 64, 1", "8, 8, 1", "40, 24, 1", "64, 64, 3", "24, 40, 3", "8, 16, 2"})
    void motionTakesFramesOfAnySizeInPatchesAndOfAnyChannels(int height, int width, int channels) {
        FrameShape frames = new FrameShape(height, width, channels);
        ModelConfig model = Models.load("motion", frames);
        assertEquals(frames, model.output());
        assertEquals(Models.load("motion").layers(), model.layers());
        // Patches of 16 pixels and a motion of 3 values; the kernels are 3x3, around the coarse ConvLSTM and of the
        // filters 1x1.
        int seen = 16 * channels + 3;
        int filters = 2 * 2 * 9;
        int encoder = 9 * seen * 24 + 24 + 9 * 24 * 24 + 24;
        int coarse = 96 * 48 + 48 + 9 * (48 + 48) * 4 * 48 + 4 * 48 + 48 * 96 + 96;
        int state = 9 * (2 * 24 + 24) * 4 * 24 + 4 * 24;
        int decoder = 9 * (24 + 3 + 24) * 24 + 24 + 9 * 24 * 24 + 24;
        assertEquals(encoder + coarse + state + decoder + 9 * 24 * 48 + 48 + 24 * filters + filters,
                model.parameterCount());
    }

    @Test
    void motionSaysWhichSizesItTakes() {
        FramecastException e = assertThrows(FramecastException.class,
                () -> Models.load("motion", new FrameShape(30, 64, 3)));
        assertTrue(e.getMessage().contains("30x64x3") && e.getMessage().endsWith(
                "the model keras takes such frames, and motion takes them cropped to 24x64 or padded to 32x64."),
                e.getMessage());
    }

    /** Checkpoints contain this text. */
    @Test
    void aPlainListIsWrittenWithoutNamesAndInputs() {
        String text = "{'input':{'height':8,'width':8,'channels':4},'layers':[{'type':'SpaceToDepth','block_size':2},"
                + "{'type':'BatchNormalization','epsilon':0.001,'momentum':0.99}]}";
        assertEquals(text.replace('\'', '"'), ModelJson.write(parse(text)));
        assertEquals(parse(text), new ModelConfig(new FrameShape(8, 8, 4),
                List.of(new SpaceToDepth(2), new BatchNormalization(1e-3, 0.99))));
    }

    /** A skip connection around a ConvLSTM, and one within. */
    private static final String GRAPH = "{'type': 'SpaceToDepth', 'block_size': 2, 'name': 'patches'},"
            + "{'type': 'ConvLSTM2D', 'filters': 6, 'kernel_size': 3, 'padding': 'same', 'name': 'h'},"
            + "{'type': 'Conv3D', 'filters': 10, 'kernel_size': [3, 3, 3], 'name': 'ahead'},"
            + "{'type': 'Concatenate', 'inputs': ['h', 'ahead']},"
            + "{'type': 'Conv3D', 'filters': 16, 'kernel_size': [5, 1, 1], 'name': 'drawn'},"
            + "{'type': 'Add', 'inputs': ['patches', 'drawn']},"
            + "{'type': 'DepthToSpace', 'block_size': 2}";

    private static ModelConfig graph() {
        return parse(model(GRAPH));
    }

    @Test
    void layersTakeTheirInputsByName() {
        ModelConfig model = graph();
        FrameShape patches = new FrameShape(4, 4, 16);
        assertEquals(List.of(new FrameShape(8, 8, 4), patches, new FrameShape(4, 4, 6), new FrameShape(4, 4, 10),
                patches, patches, patches, new FrameShape(8, 8, 4)), model.shapes());
        assertEquals(List.of(patches, patches), model.inputShapes().get(5));
        assertArrayEquals(new int[] {5, 1, 1, 16, 16}, model.parameters().get("layers.4.kernel").shape());
        model.requireFramesToFrames();
        assertEquals(List.of(0, 0, 0, 1, 1, 3, 3, 3), model.reaches());
        assertEquals(3, model.futureReach());
        // The Conv3D over 5 frames reads 2 before the new frame and the one that may change, and looks 2 ahead.
        assertEquals(1 + 3 + 2, model.stepFrames());
        // The patches need no gradient: nothing before them has parameters.
        assertEquals(List.of(false, true), model.gradients().ofInputs(5));
        assertEquals(List.of(true, true), model.gradients().ofInputs(3));
    }

    @Test
    void aGraphIsChangedAsAListIs() {
        ModelConfig changed = graph().withFilters(2);
        assertEquals(new FrameShape(4, 4, 12), changed.shapes().get(4));
        assertEquals(graph().connections(), changed.connections());
        assertEquals(new FrameShape(2, 6, 16), graph().withInput(new FrameShape(4, 12, 4)).shapes().get(1));
        // The last layer that sets the number of channels on the way to the output, and none before it.
        ModelConfig fitted = graph().fittedTo(new FrameShape(8, 8, 8));
        fitted.requireFramesToFrames();
        assertEquals(List.of(32, 6, 10, 16, 32, 32, 8),
                fitted.shapes().stream().skip(1).map(FrameShape::channels).toList());
        // On each way to the output one.
        ModelConfig two = parse(model("{'type': 'Conv3D', 'filters': 4, 'kernel_size': 1, 'name': 'a'},"
                + "{'type': 'Conv3D', 'filters': 4, 'kernel_size': 1, 'name': 'b', 'inputs': ['a']},"
                + "{'type': 'Add', 'inputs': ['a', 'b']}")).fittedTo(new FrameShape(8, 8, 1));
        assertEquals(List.of(1, 1, 1), two.shapes().stream().skip(1).map(FrameShape::channels).toList());
    }

    /** Patches of 2x2 beside the motion of blocks of 2x2. */
    private static final String MOTION = "{'type': 'SpaceToDepth', 'block_size': 2, 'name': 'patches'},"
            + "{'type': 'BlockMatching2D', 'block_size': 2, 'inputs': ['patches'], 'name': 'motion'},"
            + "{'type': 'SpaceToDepth', 'block_size': 2, 'inputs': ['patches'], 'name': 'coarse'},"
            + "{'type': 'Concatenate', 'inputs': ['motion', 'coarse']},"
            + "{'type': 'Conv3D', 'filters': 64, 'kernel_size': 1}, {'type': 'DepthToSpace', 'block_size': 4}";

    @Test
    void motionIsOfFramesThatDependOnNoParameters() {
        ModelConfig model = parse(model(MOTION));
        assertEquals(new FrameShape(2, 2, 3), model.shapes().get(2));
        assertEquals(List.of(), model.layers().get(1).parameters(List.of(model.shapes().get(1))));
        assertEquals(List.of(false, false), model.gradients().ofInputs(3));
        assertEquals(0, model.futureReach());
        // Of frames of other channels it is the motion too.
        assertFalse(model.layers().get(1).sharesChannels(0));
        ModelConfig fitted = model.fittedTo(new FrameShape(8, 8, 1));
        fitted.requireFramesToFrames();
        assertEquals(List.of(4, 3, 16, 19, 16, 1),
                fitted.shapes().stream().skip(1).map(FrameShape::channels).toList());
    }

    /** Layers that move, with gates, filters and flow of so many channels. */
    private static String advection(int gates, int filters, int flow, String settings) {
        return model("{'type': 'Conv3D', 'filters': " + gates + ", 'kernel_size': 1, 'name': 'gates'},"
                + "{'type': 'SpaceToDepth', 'block_size': 2, 'inputs': ['input'], 'name': 'patches'},"
                + "{'type': 'Conv3D', 'filters': " + filters + ", 'kernel_size': 1, 'name': 'filters'},"
                + "{'type': 'Conv3D', 'filters': " + flow + ", 'kernel_size': 1, 'inputs': ['patches'], "
                + "'name': 'flow'},"
                + "{'type': 'LayeredAdvection2D', 'inputs': ['input', 'gates', 'filters', 'flow'], 'layers': 2"
                + settings + "}");
    }

    @Test
    void movingLayersFitFramesOfOtherChannels() {
        ModelConfig model = parse(advection(3, 36, 2, ""));
        assertEquals(new LayeredAdvection2D(2, 4, 0.5), model.layers().get(4));
        model.requireFramesToFrames();
        // Gates, filters and flow are for all channels alike.
        ModelConfig fitted = model.fittedTo(new FrameShape(16, 8, 1));
        fitted.requireFramesToFrames();
        assertEquals(List.of(3, 4, 36, 2, 1),
                fitted.shapes().stream().skip(1).map(FrameShape::channels).toList());
        // Frames that were computed are fitted.
        ModelConfig drawn = parse(advection(3, 36, 2, "").replace("['input', 'gates'", "['drawn', 'gates'")
                .replace("{'type': 'LayeredAdvection2D'", "{'type': 'Conv3D', 'filters': 4, 'kernel_size': 1, "
                        + "'inputs': ['input'], 'name': 'drawn'}, {'type': 'LayeredAdvection2D'"));
        assertEquals(1, drawn.fittedTo(new FrameShape(8, 8, 1)).output().channels());
    }

    private static Arguments wrong(String json, String... says) {
        return Arguments.of(json, List.of(says));
    }

    private static Arguments size(String value) {
        return wrong(lstm("'strides': 1").replace("'filters': 2", "'filters': " + value), "layer 0", "filters");
    }

    private static String conv(String type, String settings) {
        return model("{'type': '" + type + "', 'filters': 1, 'kernel_size': 3, " + settings + "}");
    }

    private static Arguments named(String settings, String... says) {
        return wrong(model("{'type': 'BatchNormalization', " + settings + "}"), says);
    }

    /** The input and the output of a ConvLSTM, joined. */
    private static Arguments joined(String type, String settings, String... says) {
        return wrong(model("{'type': 'ConvLSTM2D', 'name': 'h', 'kernel_size': 3, " + settings + "}, {'type': '" + type
                + "', 'inputs': ['input', 'h']}"), says);
    }

    static Stream<Arguments> wrongModels() {
        String big = "{'type': 'Conv3D', 'filters': 16384, 'kernel_size': 1},"
                + "{'type': 'DepthToSpace', 'block_size': 128}";
        return Stream.of(
                wrong("", "m.json"), wrong("   ", "m.json"), wrong("nonsense", "JSON"),
                wrong("{'input': {\n", "JSON: it ends too early (line 2)"),
                wrong("{'input': [}", "JSON: Unexpected close marker '}': expected ']'."),
                wrong("[]", "object"), wrong("null", "object"), wrong("7", "object"), wrong("{}", "\"input\""),
                wrong(model("") + " x", "JSON"),
                wrong(lstm("'strides': 1") + " {}", "JSON: something follows its end."),
                wrong("[".repeat(50_000), "JSON: it is nested too deeply."),
                wrong("{'input': ".repeat(50_000), "JSON: it is nested too deeply."),
                wrong("{'input': {'height': 8, 'width': 8, 'channels': 1}}", "\"layers\""),
                wrong(model(""), "at least one layer"), wrong(model("5"), "layer 0"), wrong(model("null"), "layer 0"),
                wrong(model("[]"), "layer 0"), wrong(model("{}"), "layer 0", "\"type\""),
                wrong(lstm("'strides': 1").replace("'layers'", "'layer'"), "\"layers\""),
                wrong(lstm("'strides': 1").replace("'input'", "'name': 1, 'input'"), "\"name\""),
                wrong(lstm("'strides': 1").replace("'height'", "'depth': 1, 'height'"), "\"depth\""),
                wrong(lstm("'strides': 1").replace("'height': 8, ", ""), "\"height\""),
                wrong(lstm("'strides': 1").replace("'height': 8", "'height': 0"), "height", "not 0"),
                wrong(lstm("'strides': 1").replace("'height': 8", "'height': null"), "height"),
                wrong(lstm("'strides': 1, 'strides': 2"), "strides"),
                wrong(lstm("'use_bias': false"), "layer 0", "use_bias"),
                wrong(lstm("'Filters': 3"), "layer 0", "Filters"),
                wrong(model("{'type': 'Dense', 'units': 3}"), "layer 0", "Dense", "ConvLSTM2D"),
                wrong(model("{'type': 'convlstm2d'}"), "convlstm2d"), wrong(model("{'type': 3}"), "type"),
                wrong(model("{'type': 'BatchNormalization', 'filters': 3}"), "filters"),
                size("0"), size("-3"), size("2.5"), size("2.0"), size("16385"), size("99999999999999999999"),
                size("'2'"),
                size("null"), size("true"), size("[2]"), size("1e3"),
                wrong(lstm("'strides': NaN"), "JSON: NaN is no number in JSON."),
                wrong(lstm("'strides': -Infinity"), "JSON: -Infinity is no number in JSON."),
                wrong(lstm("'strides': +1"), "JSON: Unexpected character"),
                wrong(lstm("'strides': /* x */ 1"), "JSON: Unexpected character"),
                wrong(lstm("'strides': 1" + "0".repeat(1000)), "JSON: a name, number or text in it is too long."),
                wrong(lstm("'strides': []"), "strides", "2"), wrong(lstm("'strides': [1]"), "strides", "2"),
                wrong(lstm("'strides': [1, 1, 1]"), "strides", "2"), wrong(lstm("'strides': [1, 0]"), "strides"),
                wrong(lstm("'strides': [1, '1']"), "strides"), wrong(lstm("'strides': [[1, 1], 1]"), "strides"),
                wrong(lstm("'strides': 2, 'dilation_rate': 2"), "layer 0", "strides", "dilation_rate"),
                wrong(lstm("'strides': [2, 1], 'dilation_rate': [1, 2]"), "strides", "dilation_rate"),
                wrong(lstm("'padding': 'causal'"), "padding", "causal"), wrong(lstm("'padding': null"), "padding"),
                wrong(lstm("'padding': 'SAME'"), "padding"),
                wrong(lstm("'activation': 'gelu'"), "layer 0", "gelu", "relu"),
                wrong(lstm("'activation': null"), "activation"),
                wrong(lstm("'padding': 'valid'").replace("'kernel_size': 3", "'kernel_size': [9, 3]"), "9 pixels high"),
                wrong(lstm("'dilation_rate': 4"), "9 pixels"),
                wrong(lstm("'dilation_rate': 16384").replace("'kernel_size': 3", "'kernel_size': 16384"), "pixels"),
                wrong(lstm("'padding': 'same'").replace("'kernel_size': 3", "'kernel_size': 16384"), "too large"),
                wrong(model("{'type': 'ConvLSTM2D', 'filters': 2}"), "kernel_size"),
                wrong(model("{'type': 'Conv3D', 'filters': 1, 'kernel_size': [3, 3]}"), "kernel_size", "3"),
                wrong(conv("Conv3D", "'padding': 'valid'"), "layer 0", "padding", "one frame, not 3"),
                wrong(conv("Conv3D", "'strides': 2"), "strides", "[1, height, width]", "not 2"),
                wrong(conv("Conv3D", "'strides': [2, 1, 1]"), "strides", "[1, height, width]"),
                wrong(conv("Conv3D", "'dilation_rate': [2, 1, 1]"), "dilation_rate", "[1, height, width]"),
                wrong(conv("Conv3D", "'strides': [1, 2, 1], 'dilation_rate': [1, 1, 2]"), "layer 0", "strides", "both"),
                wrong(conv("Conv3D", "'padding': 'valid'").replace("'kernel_size': 3", "'kernel_size': [1, 9, 1]"),
                        "Layer 0", "9 pixels high"),
                wrong(conv("Conv3DTranspose", "'padding': 'valid'"), "padding", "one frame, not 3"),
                wrong(conv("Conv3DTranspose", "'strides': 2"), "strides", "[1, height, width]"),
                wrong(conv("Conv3DTranspose", "'strides': [1, 16384, 1]").replace("'height': 8", "'height': 16384"),
                        "too large"),
                wrong(conv("Conv3DTranspose", "'dilation_rate': [1, 2, 2]"), "dilation_rate"),
                wrong(model("{'type': 'MaxPooling3D'}"), "pool_size"),
                wrong(model("{'type': 'MaxPooling3D', 'pool_size': 2}"), "pool_size", "[1, height, width]"),
                wrong(model("{'type': 'AveragePooling3D', 'pool_size': [1, 9, 1]}"), "Layer 0", "its window, 9 pixels"),
                wrong(model("{'type': 'AveragePooling3D', 'pool_size': [1, 2, 2], 'padding': 'full'}"), "padding"),
                wrong(model("{'type': 'UpSampling3D', 'size': 2}"), "size", "[1, height, width]"),
                wrong(model("{'type': 'UpSampling3D', 'size': [1, 2, 2], 'interpolation': 'cubic'}"), "interpolation"),
                wrong(model("{'type': 'UpSampling3D', 'size': [1, 16384, 16384]}"), "too large"),
                wrong(model("{'type': 'LayerNormalization', 'epsilon': 0}"), "epsilon"),
                wrong(model("{'type': 'Activation'}"), "activation"),
                wrong(model("{'type': 'Activation', 'activation': 'leaky_relu'}"), "layer 0", "leaky_relu", "softplus"),
                wrong(model("{'type': 'LeakyReLU', 'negative_slope': -0.1}"), "negative_slope", "from 0"),
                wrong(model("{'type': 'Rescaling'}"), "scale"),
                wrong(model("{'type': 'Rescaling', 'scale': 1e39}"), "scale", "float32"),
                wrong(model("{'type': 'BatchNormalization', 'epsilon': 0}"), "epsilon"),
                wrong(model("{'type': 'BatchNormalization', 'epsilon': '0.001'}"), "epsilon"),
                wrong(model("{'type': 'BatchNormalization', 'momentum': -0.5}"), "momentum"),
                wrong(model("{'type': 'BatchNormalization', 'momentum': 1e999}"), "momentum"),
                wrong(model("{'type': 'SpaceToDepth', 'block_size': 3}"), "Layer 0", "3", "8x8x4"),
                wrong(model("{'type': 'DepthToSpace', 'block_size': 4}"), "Layer 0", "4", "8x8x4"),
                wrong(model("{'type': 'SpaceToDepth'}"), "block_size"),
                wrong(model("{'type': 'BlockMatching2D', 'block_size': 3}"), "Layer 0", "3", "8x8x4"),
                wrong(model("{'type': 'BlockMatching2D', 'block_size': 0}"), "block_size", "not 0"),
                wrong(model("{'type': 'BlockMatching2D', 'max_displacement': 0}"), "max_displacement", "not 0"),
                wrong(model("{'type': 'BlockMatching2D', 'window': 4}"), "layer 0", "\"window\" must be odd, not 4"),
                wrong(model("{'type': 'BlockMatching2D', 'window': -1}"), "window", "not -1"),
                wrong(model("{'type': 'BatchNormalization'}, {'type': 'SpaceToDepth', 'block_size': 2},"
                        + "{'type': 'BlockMatching2D'}"),
                        "Layer 2 (BlockMatching2D) has no gradient of its input, and so no layer before it may have "
                        + "parameters"),
                named("'name': 1", "layer 0", "\"name\"", "not 1"), named("'name': null", "\"name\""),
                named("'name': ''", "\"name\""), named("'name': 'a b'", "\"name\"", "letters"),
                named("'name': 'input'", "\"name\"", "not \"input\""),
                named("'name': '" + "n".repeat(65) + "'", "\"name\"", "64"),
                named("'inputs': 'input'", "layer 0", "\"inputs\"", "list"), named("'inputs': []", "\"inputs\""),
                named("'inputs': null", "\"inputs\""), named("'inputs': ['input', 1]", "\"inputs\""),
                named("'inputs': [" + "'input',".repeat(64) + "'input']", "\"inputs\"", "64"),
                named("'inputs': ['no']", "Layer 0 (BatchNormalization)", "\"no\"", "no layer has this name"),
                named("'name': 'a', 'inputs': ['a']", "\"a\"", "layer 0", "after its inputs"),
                named("'inputs': ['b']}, {'type': 'BatchNormalization', 'name': 'b'", "\"b\"", "layer 1", "after"),
                named("'name': 'a'}, {'type': 'BatchNormalization', 'name': 'a'", "Layers 0 and 1", "\"a\""),
                named("'name': 'a'}, {'type': 'BatchNormalization', 'inputs': ['input']", "Layer 0", "not used"),
                named("'inputs': ['input', 'input']", "Layer 0", "it takes one input, not 2"),
                named("'name': 'a'}, {'type': 'Add'", "Layer 1 (Add)", "two or more"),
                wrong(model("{'type': 'Add', 'inputs': ['input', 'input'], 'axis': 1}"), "axis"),
                wrong(model("{'type': 'Concatenate', 'inputs': ['input']}"), "Concatenate", "two or more"),
                joined("Add", "'filters': 2, 'padding': 'same'", "8x8x4 and 8x8x2", "the same shape"),
                joined("Concatenate", "'filters': 4", "8x8x4 and 6x6x4", "the same height and width"),
                wrong(advection(2, 36, 2, ""), "Layer 4 (LayeredAdvection2D)", "gates of 8x8x2", "8x8x3"),
                wrong(advection(3, 35, 2, ""), "filters of 4x4x35", "36 channels"),
                wrong(advection(3, 36, 1, ""), "flow of 4x4x1", "2 or more"),
                wrong(advection(3, 36, 2, "").replace("'filters', 'flow'", "'filters', 'flow', 'flow'"),
                        "four \"inputs\"", "not 5"),
                wrong(advection(3, 36, 2, "").replace("'gates', 'filters', 'flow'", "'flow', 'filters', 'gates'"),
                        "gates of 4x4x2", "8x8x3"),
                wrong(advection(3, 36, 2, "").replace("'inputs': ['patches'], 'name': 'flow'",
                        "'inputs': ['gates'], 'name': 'flow'"), "flow of 8x8x2", "4x4"),
                wrong(advection(3, 36, 2, "").replace("['input', 'gates', 'filters'", "['flow', 'filters', 'gates'"),
                        "gates of 4x4x36"),
                wrong(advection(3, 36, 2, "").replace("'gates', 'filters', 'flow'", "'gates', 'wide', 'flow'")
                        .replace("'filters': 36, 'kernel_size': 1, ", "'filters': 36, 'kernel_size': 1, 'inputs': "
                                + "['patches'], ").replace("{'type': 'LayeredAdvection2D'", "{'type': 'ConvLSTM2D', "
                                + "'filters': 36, 'kernel_size': [1, 3], 'inputs': ['filters'], 'name': 'wide'},"
                                + "{'type': 'LayeredAdvection2D'"), "filters of 4x2x36", "square patches"),
                wrong(advection(3, 36, 2, ", 'max_displacement': 3"), "28 channels"),
                wrong(advection(3, 36, 2, ", 'max_displacement': 0"), "max_displacement"),
                wrong(advection(3, 36, 2, ", 'max_displacement': 16384"), "131076 channels"),
                wrong(advection(3, 36, 2, ", 'flow_precision': -0.5"), "flow_precision", "from 0 to 1000"),
                wrong(advection(3, 36, 2, ", 'flow_precision': 1001"), "flow_precision", "not 1001"),
                wrong(advection(3, 36, 2, ", 'flow_precision': '1'"), "flow_precision"),
                wrong(advection(3, 36, 2, "").replace(", 'layers': 2", ""), "no \"layers\""),
                // Height and width become 8 * 128^3 = 2^24: the number of values overflows an int.
                wrong(model(big + "," + big + "," + big), "too large"),
                wrong("{'input': {'height': 16384, 'width': 16384, 'channels': 16384}, 'layers': ["
                        + "{'type': 'SpaceToDepth', 'block_size': 16384}]}", "too large"));
    }

    @ParameterizedTest
    @MethodSource("wrongModels")
    void aWrongModelIsRefusedInASentenceThatSaysWhere(String json, List<String> says) {
        FramecastException e = assertThrows(FramecastException.class, () -> parse(json));
        for (String part : says) {
            assertTrue(e.getMessage().contains(part), e.getMessage());
        }
        assertFalse(e.getMessage().matches(".*(`|Feature|jackson|Source).*"), e.getMessage());
        assertTrue(e.getMessage().contains("m.json") && e.getMessage().endsWith("."), e.getMessage());
        assertTrue(!e.getMessage().contains("\n") && e.getMessage().length() < 400, e.getMessage());
    }

    @Test
    void aModelThatGivesOtherFramesThanItTakesCannotPredict() {
        FramecastException e = assertThrows(FramecastException.class,
                () -> parse(lstm("'padding': 'same'")).requireFramesToFrames());
        assertTrue(e.getMessage().contains("8x8x4") && e.getMessage().contains("8x8x2"), e.getMessage());
    }

    @Test
    void layersMadeInJavaAreChecked() {
        Pair one = Pair.ONE;
        for (Executable wrong : List.<Executable>of(() -> new Pair(0, 3), () -> new Pair(3, -1),
                () -> new SpaceToDepth(0), () -> new DepthToSpace(-2), () -> new BatchNormalization(-1, 0.9),
                () -> new BatchNormalization(1e-3, 5), () -> new BatchNormalization(Double.NaN, 0.9),
                () -> new BlockMatching2D(0, 4, 5), () -> new BlockMatching2D(4, 0, 5),
                () -> new BlockMatching2D(4, 4, 2),
                () -> new LayeredAdvection2D(0, 4, 0.5), () -> new LayeredAdvection2D(2, 0, 0.5),
                () -> new LayeredAdvection2D(2, 4, -1), () -> new LayeredAdvection2D(2, 4, Double.NaN),
                () -> new Connection("input", List.of()), () -> new Connection("", List.of("a b")),
                () -> new ModelConfig(new FrameShape(4, 4, 1), List.of(new SpaceToDepth(1)), List.of()),
                () -> new Conv3D(0, 1, one, Activation.RELU), () -> new Conv3D(1, 0, one, Activation.RELU),
                () -> new Conv3D(1, 1, one, null), () -> new Conv3D(1, 1, null, Activation.RELU),
                () -> new Conv3D(1, 1, one, one, "full", one, Activation.RELU),
                () -> new Conv3DTranspose(0, 1, one, one, "same", Activation.RELU),
                () -> new Conv3DTranspose(1, 1, one, null, "same", Activation.RELU),
                () -> new MaxPooling3D(one, one, null), () -> new AveragePooling3D(null, one, "same"),
                () -> new UpSampling3D(one, "cubic"), () -> new LayerNormalization(0),
                () -> new ActivationLayer(Elementwise.LEAKY_RELU), () -> new LeakyReLU(Double.NaN),
                () -> new Rescaling(Double.POSITIVE_INFINITY, 0),
                () -> new ConvLstm2D(-1, one, one, "same", one, Activation.TANH, Activation.SIGMOID),
                () -> new ConvLstm2D(1, one, one, "Same", one, Activation.TANH, Activation.SIGMOID),
                () -> new ConvLstm2D(1, one, null, "same", one, Activation.TANH, Activation.SIGMOID),
                () -> new ConvLstm2D(1, one, one, "same", one, null, Activation.SIGMOID),
                () -> new ModelConfig(new FrameShape(4, 0, 1), List.of(new SpaceToDepth(1))),
                () -> Models.load("small", new FrameShape(-4, 4, 1)),
                () -> Models.load("small", new FrameShape(4, 4, 1)).withFilters(0))) {
            assertThrows(IllegalArgumentException.class, wrong);
        }
    }
}
