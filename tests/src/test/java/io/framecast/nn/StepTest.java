package io.framecast.nn;

import static io.framecast.golden.Closeness.assertClose;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.framecast.backend.Tensor;
import io.framecast.backend.TestBackend;
import io.framecast.backend.TestDevice;
import io.framecast.golden.Closeness;
import java.util.Arrays;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Rollout with carried state against the whole growing sequence, recomputed each time by another network. Both are
 * float32, and may sum convolutions in a different order: the tolerance is that of float32 outputs.
 */
@ParameterizedClass(name = "{0}")
@EnumSource(TestDevice.class)
class StepTest {

    @Parameter
    TestDevice device;

    private static final int FRAMES = 9;

    static Stream<Arguments> models() {
        String lstm = "{'type': 'ConvLSTM2D', 'filters': 3, 'kernel_size': 3, 'padding': 'same'}";
        String norm = "{'type': 'BatchNormalization'}";
        return Stream.of(
                Arguments.of("only ConvLSTM", lstm + "," + lstm),
                Arguments.of("Conv3D at the end", lstm + "," + norm + "," + conv(1, 3)),
                Arguments.of("Conv3D over 3 frames in the middle",
                        lstm + "," + conv(4, 3) + "," + lstm + "," + norm + "," + lstm + "," + conv(1, 1)),
                Arguments.of("Conv3D over 2 frames in the middle", lstm + "," + conv(2, 2) + "," + lstm),
                Arguments.of("Conv3D over 5 frames first", conv(2, 5) + "," + lstm),
                Arguments.of("two Conv3Ds with a ConvLSTM between",
                        lstm + "," + conv(2, 3) + "," + lstm + "," + conv(1, 3)),
                Arguments.of("Conv3Ds over 2, 5 and 4 frames in a row",
                        conv(2, 2) + "," + conv(3, 5) + "," + lstm + "," + conv(1, 4)),
                Arguments.of("patches", "{'type': 'SpaceToDepth', 'block_size': 2}," + lstm + "," + conv(4, 3)
                        + ",{'type': 'DepthToSpace', 'block_size': 2}"),
                Arguments.of("motion", named("patches", "{'type': 'SpaceToDepth', 'block_size': 2}") + ","
                        + named("motion", "{'type': 'BlockMatching2D', 'block_size': 2, 'inputs': ['input']}") + ","
                        + join("Concatenate", "patches", "motion") + "," + lstm + "," + conv(4, 3)),
                Arguments.of("skip connections", named("a", lstm) + "," + named("b", lstm) + ","
                        + named("s", join("Add", "b", "a", "a")) + "," + named("c", lstm) + ","
                        + join("Concatenate", "c", "s") + "," + conv(1, 1)),
                Arguments.of("branches that reach 0, 1 and 3 frames ahead", named("near", conv(2, 3)) + ","
                        + named("far", conv(2, 5)) + "," + join("Concatenate", "input", "near", "far") + ","
                        + lstm + "," + conv(2, 2)),
                Arguments.of("layers moved by filters that reach 1 frame ahead", named("gates", conv(3, 1)) + ","
                        + "{'type': 'SpaceToDepth', 'block_size': 2, 'name': 'patches', 'inputs': ['input']},"
                        + lstm + "," + named("filters", conv(12, 3)) + ","
                        + "{'type': 'LayeredAdvection2D', 'layers': 2, 'max_displacement': 1, "
                        + "'inputs': ['input', 'gates', 'filters', 'patches']}"),
                Arguments.of("strided and transposed", "{'type': 'Rescaling', 'scale': 2, 'offset': -0.5},"
                        + conv(4, 3).replace("'kernel_size'", "'strides': [1, 2, 3], 'kernel_size'") + ","
                        + "{'type': 'LayerNormalization'}," + lstm + "," + transposed(3, 3, "'strides': [1, 2, 3]")
                        + ",{'type': 'LeakyReLU'}," + conv(1, 1)),
                Arguments.of("transposed over 2, 5 and 4 frames in a row",
                        transposed(2, 2, "'strides': [1, 1, 2]") + "," + transposed(3, 5, "'strides': [1, 2, 1]") + ","
                        + lstm + "," + transposed(1, 4, "'strides': 1")),
                Arguments.of("pools and upsampling beside a Conv3D over 4 frames", named("ahead", conv(3, 4)) + ","
                        + "{'type': 'MaxPooling3D', 'pool_size': [1, 2, 2], 'inputs': ['input']},"
                        + "{'type': 'Activation', 'activation': 'gelu'}," + lstm + ","
                        + "{'type': 'UpSampling3D', 'size': [1, 2, 2], 'interpolation': 'bilinear'},"
                        + named("up", "{'type': 'AveragePooling3D', 'pool_size': [1, 3, 3], 'strides': 1, "
                        + "'padding': 'same'}") + "," + join("Add", "up", "ahead") + "," + conv(1, 2)),
                Arguments.of("a ConvLSTM on one of two branches",
                        named("h", lstm) + "," + conv(3, 3) + "," + named("ahead", lstm) + ","
                        + join("Add", "h", "ahead") + "," + conv(1, 3)));
    }

    private static String named(String name, String layer) {
        return layer.substring(0, layer.length() - 1) + ", 'name': '" + name + "'}";
    }

    private static String join(String type, String... inputs) {
        return "{'type': '" + type + "', 'inputs': ['" + String.join("', '", inputs) + "']}";
    }

    private static String conv(int filters, int frames) {
        return "{'type': 'Conv3D', 'filters': %d, 'kernel_size': [%d, 3, 3], 'activation': 'tanh'}"
                .formatted(filters, frames);
    }

    private static String transposed(int filters, int frames, String strides) {
        return "{'type': 'Conv3DTranspose', 'filters': %d, 'kernel_size': [%d, 3, 2], 'activation': 'tanh', %s}"
                .formatted(filters, frames, strides);
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("models")
    void aStepPredictsWhatTheGrowingSequenceDoes(String name, String layers) {
        ModelConfig model = ModelJson.parse(("{'input': {'height': 4, 'width': 6, 'channels': 1}, 'layers': ["
                + layers + "]}").replace('\'', '"'), name);
        Map<String, HostTensor> parameters = Parameters.initial(model, 11);
        Random random = new Random(12);
        // Not mean 0 and variance 1, so that batch normalisation has an effect.
        parameters.forEach((parameter, value) -> {
            if (parameter.contains("moving")) {
                for (int k = 0; k < value.values().length; k++) {
                    value.values()[k] = 0.5f + random.nextFloat();
                }
            }
        });
        int batch = 2;
        int frame = batch * model.input().size();
        try (TestBackend backend = TestBackend.fp32(device)) {
            Network stepping = backend.own(Network.forInference(backend.get(), model, 1, batch + 1));
            Network whole = backend.own(Network.forInference(backend.get(), model, FRAMES, batch));
            Network chunks = backend.own(Network.forInference(backend.get(), model, 4, batch + 1));
            stepping.parameters().set(parameters);
            chunks.parameters().set(parameters);
            whole.parameters().set(parameters);
            for (int video = 0; video < 2; video++) {
                float[] x = new float[FRAMES * frame];
                for (int k = 0; k < x.length; k++) {
                    x[k] = 2 * random.nextFloat() - 0.5f;
                }
                Tensor input = backend.tensor(x);
                int out = batch * model.output().size();
                float[] last = whole.forward(input, FRAMES, batch, false).read();
                chunks.begin();
                int taken = 0;
                for (int next : new int[] {4, 1, FRAMES - 5}) { // 4 is what it was planned for.
                    Tensor frames = input.slice((long) taken * frame, (long) next * frame);
                    float[] prediction = chunks.step(frames, next, batch).read();
                    taken += next;
                    float[] all = whole.forward(input.slice(0, (long) taken * frame), taken, batch, false).read();
                    assertClose("video " + video + ", " + next + " frames at once, to " + taken,
                            Arrays.copyOfRange(all, (taken - 1) * out, taken * out), prediction, Closeness.OUTPUT);
                }
                stepping.begin();
                for (int n = 1; n <= FRAMES; n++) {
                    float[] tail = stepping.stepTail(input.slice((n - 1L) * frame, frame), batch).read();
                    float[] all = whole.forward(input.slice(0, (long) n * frame), n, batch, false).read();
                    int first = n - tail.length / out;
                    assertEquals(Math.max(0, n - 1 - model.futureReach()), first);
                    assertClose("video " + video + ", frames " + (first + 1) + " to " + n,
                            Arrays.copyOfRange(all, first * out, n * out), tail, Closeness.OUTPUT);
                    if (n > model.futureReach()) {
                        assertClose("video " + video + ", frame " + (first + 1) + ", settled",
                                Arrays.copyOfRange(last, first * out, (first + 1) * out), Arrays.copyOf(tail, out),
                                Closeness.OUTPUT);
                    }
                }
            }
        }
    }
}
