package io.framecast.backend;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Add and Concatenate against their definition: every value has the same bits. */
@ParameterizedClass(name = "{0}")
@EnumSource(TestDevice.class)
class MergeTest {

    @Parameter
    TestDevice device;

    private final Random random = new Random(3);

    /** Sizes with and without a remainder by 4, and one of several parts for threads. */
    @ParameterizedTest
    @CsvSource({"4, 6, 2, 2", "3, 5, 1, 3", "1, 1, 1, 2", "40, 41, 7, 4"})
    void addIsTheSumInTheOrderOfTheInputs(int height, int width, int channels, int inputs) {
        int size = 2 * 3 * height * width * channels;
        try (TestBackend backend = TestBackend.fp32(device)) {
            MultiInputOp op = backend.own(backend.get().add(new AddSpec(height, width, channels, inputs),
                    new Plan(3, 4, true, wanted(inputs))));
            List<float[]> x = new ArrayList<>();
            for (int k = 0; k < inputs; k++) {
                x.add(values(size));
            }
            float[] sum = x.get(0).clone();
            for (float[] values : x.subList(1, inputs)) {
                for (int k = 0; k < size; k++) {
                    sum[k] += values[k];
                }
            }
            assertArrayEquals(sum, op.forward(tensors(backend, x), 2, 3, true).read());
            float[] dy = values(size);
            List<Tensor> dx = op.backward(backend.tensor(dy));
            assertNull(dx.get(0));
            for (Tensor gradient : dx.subList(1, inputs)) {
                assertArrayEquals(dy, gradient.read());
                // Overwriting one gradient must not change the next.
                gradient.write(values(size));
            }
        }
    }

    @Test
    void addTakesTensorsOfAnyAlignmentAndOneTwice() {
        try (TestBackend backend = TestBackend.fp32(device)) {
            MultiInputOp op = backend.own(backend.get().add(new AddSpec(2, 2, 1, 3), Plan.inference(1, 1, 3)));
            Tensor x = backend.tensor(1, 2, 3, 4, 5);
            Tensor late = x.slice(1, 4);
            assertArrayEquals(new float[] {5, 8, 11, 14}, op.forward(List.of(late, x, late), 1, 1, false).read());
        }
    }

    /** Channels in multiples of 4, and others. */
    @ParameterizedTest
    @CsvSource({"4, 6, 8 4", "3, 5, 1 3 2", "2, 3, 4 1 16", "1, 1, 1 1", "7, 9, 20 4 8 4"})
    void concatenateHasTheChannelsOfTheFirstInputFirst(int height, int width, String list) {
        List<Integer> channels = Arrays.stream(list.split(" ")).map(Integer::valueOf).toList();
        int pixels = 2 * 3 * height * width;
        int all = channels.stream().mapToInt(Integer::intValue).sum();
        float[] y = values(pixels * all);
        List<float[]> parts = new ArrayList<>();
        int first = 0;
        for (int count : channels) {
            float[] part = new float[pixels * count];
            for (int pixel = 0; pixel < pixels; pixel++) {
                System.arraycopy(y, pixel * all + first, part, pixel * count, count);
            }
            parts.add(part);
            first += count;
        }
        try (TestBackend backend = TestBackend.fp32(device)) {
            MultiInputOp op = backend.own(backend.get().concatenate(new ConcatenateSpec(height, width, channels),
                    new Plan(3, 4, true, wanted(channels.size()))));
            assertArrayEquals(y, op.forward(tensors(backend, parts), 2, 3, true).read());
            List<Tensor> dx = op.backward(backend.tensor(y));
            assertNull(dx.get(0));
            for (int k = 1; k < parts.size(); k++) {
                assertArrayEquals(parts.get(k), dx.get(k).read());
            }
        }
    }

    /** Gradients of all inputs but the first. */
    private static List<Boolean> wanted(int inputs) {
        List<Boolean> wanted = new ArrayList<>();
        for (int k = 0; k < inputs; k++) {
            wanted.add(k > 0);
        }
        return wanted;
    }

    private static List<Tensor> tensors(TestBackend backend, List<float[]> values) {
        return values.stream().map(backend::tensor).toList();
    }

    private float[] values(int size) {
        float[] values = new float[size];
        for (int k = 0; k < size; k++) {
            values[k] = (float) random.nextGaussian();
        }
        return values;
    }
}
