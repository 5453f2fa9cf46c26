package io.framecast.backend;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.function.DoubleSupplier;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Gradients against finite differences of the outputs. The ops compute in float32.
 *
 * <p>For random weights w of the outputs, f = sum(w*y), added in float64, is differentiated along random directions v
 * of every input by the five-point formula (8f(e) - 8f(-e) - f(2e) + f(-2e))/12e, with the step e = 2^-7. Inputs are
 * multiples of 2^-10 and the elements of v are -1 or 1, so that the shifted inputs are exact.
 *
 * <p>Errors: along v the input of an activation moves by about s*e, where s = 6 is the root of the at most 36 products
 * in a sum. The error of the formula is (s*e)^4/30 = 2e-7 times the fifth derivative, which for these activations is up
 * to some tens of times the first. Outputs have rounding errors of a few 2^-24. In f they add up at random, like the
 * terms of the derivative, to a few 2^-24/e = 2e-5 of it. The derivative along a random v is about the norm of the
 * gradient. The tolerance is 1e-3 of that norm: above these errors, and far below the effect of a wrong term.
 */
@ParameterizedClass(name = "{0}")
@EnumSource(TestDevice.class)
class FiniteDifferenceTest {

    @Parameter
    TestDevice device;

    private static final double STEP = Math.scalb(1, -7);
    private static final double TOLERANCE = 1e-3;
    private static final int DIRECTIONS = 3;

    private final Random random = new Random(5);

    /** An input of f, and the tensor that receives its gradient. */
    private record Input(String name, Tensor value, Tensor gradient) {
    }

    @ParameterizedTest
    @CsvSource({"SIGMOID, TANH, 1, 1, true", "TANH, SIGMOID, 2, 1, true", "LINEAR, SIGMOID, 1, 2, false"})
    void convLstm(Activation activation, Activation recurrent, int stride, int dilation, boolean same) {
        try (TestBackend backend = TestBackend.fp32(device)) {
            int frames = 3;
            int batch = 2;
            Weights kernel = weights(backend, 3 * 3 * 2 * 12, 0.3);
            Weights recurrentKernel = weights(backend, 3 * 3 * 3 * 12, 0.3);
            Weights bias = weights(backend, 12, 0.5);
            ConvLstmSpec spec = new ConvLstmSpec(7, 6, 2, 3, 3, 3, stride, stride, dilation, dilation, same,
                    activation, recurrent);
            ConvLstmOp op = backend.own(backend.get().convLstm(spec, new Plan(frames, batch, true, true), kernel,
                    recurrentKernel, bias));
            checkOp(backend, op, grid(backend, frames * batch * 7 * 6 * 2, 1), frames, batch, List.of(
                    input("kernel", kernel), input("recurrent kernel", recurrentKernel), input("bias", bias)));
        }
    }

    @ParameterizedTest
    @CsvSource({"TANH, 3", "SIGMOID, 2", "LINEAR, 4"})
    void conv3d(Activation activation, int kernelFrames) {
        try (TestBackend backend = TestBackend.fp32(device)) {
            int frames = 3;
            int batch = 2;
            Weights kernel = weights(backend, kernelFrames * 3 * 2 * 2 * 3, 0.3);
            Weights bias = weights(backend, 3, 0.5);
            Op op = backend.own(backend.get().conv3d(new Conv3dSpec(5, 6, 2, 3, kernelFrames, 3, 2, activation),
                    new Plan(frames, batch, true, true), kernel, bias));
            checkOp(backend, op, grid(backend, frames * batch * 5 * 6 * 2, 1), frames, batch,
                    List.of(input("kernel", kernel), input("bias", bias)));
        }
    }

    @ParameterizedTest
    @CsvSource({"2, 3, 1, 1, true", "3, 2, 1, 1, false", "1, 1, 2, 3, true", "1, 1, 1, 2, false"})
    void conv3dWithStridesOrDilation(int strideHeight, int strideWidth, int dilationHeight, int dilationWidth,
            boolean same) {
        try (TestBackend backend = TestBackend.fp32(device)) {
            int kernelFrames = same ? 2 : 1;
            Weights kernel = weights(backend, kernelFrames * 3 * 2 * 2 * 3, 0.3);
            Weights bias = weights(backend, 3, 0.5);
            Op op = backend.own(backend.get().conv3d(new Conv3dSpec(7, 6, 2, 3, kernelFrames, 3, 2, strideHeight,
                    strideWidth, dilationHeight, dilationWidth, same, Activation.TANH), new Plan(3, 2, true, true),
                    kernel, bias));
            checkOp(backend, op, grid(backend, 3 * 2 * 7 * 6 * 2, 1), 3, 2,
                    List.of(input("kernel", kernel), input("bias", bias)));
        }
    }

    @ParameterizedTest
    @CsvSource({"TANH, 3, 2, 3, true", "SIGMOID, 2, 1, 1, true", "LINEAR, 4, 3, 2, true", "TANH, 1, 3, 2, false"})
    void conv3dTranspose(Activation activation, int kernelFrames, int strideHeight, int strideWidth, boolean same) {
        try (TestBackend backend = TestBackend.fp32(device)) {
            Weights kernel = weights(backend, kernelFrames * 3 * 2 * 3 * 2, 0.3);
            Weights bias = weights(backend, 3, 0.5);
            Op op = backend.own(backend.get().conv3dTranspose(new Conv3dTransposeSpec(4, 3, 2, 3, kernelFrames, 3, 2,
                    strideHeight, strideWidth, same, activation), new Plan(3, 2, true, true), kernel, bias));
            checkOp(backend, op, grid(backend, 3 * 2 * 4 * 3 * 2, 1), 3, 2,
                    List.of(input("kernel", kernel), input("bias", bias)));
        }
    }

    @Test
    void layerNorm() {
        try (TestBackend backend = TestBackend.fp32(device)) {
            Weights gamma = weights(backend, 7, 1);
            Weights beta = weights(backend, 7, 1);
            // An epsilon of 1: small variances have derivatives that are large beside the step.
            Op op = backend.own(backend.get().layerNorm(new LayerNormSpec(3, 4, 7, 1), new Plan(3, 2, true, true),
                    gamma, beta));
            checkOp(backend, op, grid(backend, 3 * 2 * 3 * 4 * 7, 1), 3, 2,
                    List.of(input("gamma", gamma), input("beta", beta)));
        }
    }

    /** Those whose derivatives have no jump. */
    @ParameterizedTest
    @EnumSource(names = {"LINEAR", "SILU", "GELU", "SOFTPLUS", "SIGMOID", "TANH", "EXPONENTIAL", "RESCALING"})
    void elementwise(Elementwise function) {
        try (TestBackend backend = TestBackend.fp32(device)) {
            Op op = backend.own(backend.get().elementwise(new ElementwiseSpec(3, 4, 2, function, -1.5f, 0.25f),
                    new Plan(3, 2, true, true)));
            checkOp(backend, op, grid(backend, 3 * 2 * 3 * 4 * 2, 1), 3, 2, List.of());
        }
    }

    /** Of values so far apart that a step changes no order. */
    @ParameterizedTest
    @CsvSource({"true, true", "true, false", "false, true", "false, false"})
    void pooling(boolean max, boolean same) {
        try (TestBackend backend = TestBackend.fp32(device)) {
            Op op = backend.own(backend.get().pooling(new PoolingSpec(5, 6, 2, 3, 2, 2, 1, same, max),
                    new Plan(3, 2, true, true)));
            List<Integer> order = new ArrayList<>(IntStream.range(0, 3 * 2 * 5 * 6 * 2).boxed().toList());
            Collections.shuffle(order, random);
            float[] x = new float[order.size()];
            for (int k = 0; k < x.length; k++) {
                x[k] = order.get(k) / 8f;
            }
            checkOp(backend, op, backend.tensor(x), 3, 2, List.of());
        }
    }

    @ParameterizedTest
    @CsvSource({"false", "true"})
    void upSampling(boolean bilinear) {
        try (TestBackend backend = TestBackend.fp32(device)) {
            Op op = backend.own(backend.get().upSampling(new UpSamplingSpec(3, 4, 2, 3, 2, bilinear),
                    new Plan(3, 2, true, true)));
            checkOp(backend, op, grid(backend, 3 * 2 * 3 * 4 * 2, 1), 3, 2, List.of());
        }
    }

    @Test
    void batchNorm() {
        try (TestBackend backend = TestBackend.fp32(device)) {
            Weights gamma = weights(backend, 3, 1);
            Weights beta = weights(backend, 3, 1);
            Op op = backend.own(backend.get().batchNorm(new BatchNormSpec(5, 6, 3, 1e-3, 0.99),
                    new Plan(3, 2, true, true), gamma, beta, backend.tensor(0, 0, 0), backend.tensor(1, 1, 1)));
            checkOp(backend, op, grid(backend, 3 * 2 * 5 * 6 * 3, 1), 3, 2,
                    List.of(input("gamma", gamma), input("beta", beta)));
        }
    }

    @ParameterizedTest
    @CsvSource({"false", "true"})
    void spaceToDepth(boolean inverse) {
        try (TestBackend backend = TestBackend.fp32(device)) {
            Op op = backend.own(backend.get().spaceToDepth(new SpaceToDepthSpec(4, 6, 3, 2, inverse),
                    new Plan(3, 2, true, true)));
            checkOp(backend, op, grid(backend, 3 * 2 * 4 * 6 * 3, 1), 3, 2, List.of());
        }
    }

    @Test
    void addAndConcatenate() {
        try (TestBackend backend = TestBackend.fp32(device)) {
            Plan plan = new Plan(3, 2, true, List.of(true, true, true));
            List<Tensor> same = List.of(grid(backend, 3 * 2 * 4 * 6 * 3, 1), grid(backend, 3 * 2 * 4 * 6 * 3, 1),
                    grid(backend, 3 * 2 * 4 * 6 * 3, 1));
            checkOp(backend, backend.own(backend.get().add(new AddSpec(4, 6, 3, 3), plan)), same, 3, 2);
            List<Tensor> other = List.of(grid(backend, 3 * 2 * 4 * 6 * 2, 1), grid(backend, 3 * 2 * 4 * 6, 1),
                    grid(backend, 3 * 2 * 4 * 6 * 5, 1));
            checkOp(backend, backend.own(backend.get().concatenate(new ConcatenateSpec(4, 6, List.of(2, 1, 5)), plan)),
                    other, 3, 2);
        }
    }

    /** On frames in [0.35, 0.65], so that no sum of layers comes near 0 or 1, where the derivative jumps. */
    @ParameterizedTest
    @CsvSource({"1, 2, 3", "2, 3, 1"})
    void layeredAdvection(int channels, int block, int layers) {
        try (TestBackend backend = TestBackend.fp32(device)) {
            LayeredAdvectionSpec spec = new LayeredAdvectionSpec(6, 12, channels, block, 3, layers, 2, 0.5f);
            MultiInputOp op = backend.own(backend.get().layeredAdvection(spec,
                    new Plan(3, 2, true, List.of(true, true, true, true))));
            List<Tensor> inputs = new ArrayList<>();
            for (long size : spec.inputSizes()) {
                inputs.add(grid(backend, 3 * 2 * Math.toIntExact(size), 1));
            }
            float[] frames = inputs.get(0).read();
            for (int k = 0; k < frames.length; k++) {
                frames[k] = onGrid(0.35 + 0.3 * random.nextDouble());
            }
            inputs.get(0).write(frames);
            checkOp(backend, op, inputs, 3, 2);
        }
    }

    @ParameterizedTest
    @EnumSource(Loss.class)
    void loss(Loss loss) {
        try (TestBackend backend = TestBackend.fp32(device)) {
            int size = 700;
            LossOp op = backend.own(backend.get().loss(loss, size));
            float[] outputs = new float[size];
            float[] targets = new float[size];
            for (int k = 0; k < size; k++) {
                // Probabilities stay away from 0 and 1, where the logarithm's curvature is too large for the step.
                outputs[k] = loss == Loss.BINARY_CROSSENTROPY ? onGrid(0.35 + 0.3 * random.nextDouble())
                        : onGrid(2 * random.nextGaussian());
                targets[k] = random.nextFloat();
            }
            Tensor y = backend.tensor(outputs);
            Tensor t = backend.tensor(targets);
            op.forward(y, t, size, true);
            check(new Input("outputs", y, op.gradient()), () -> {
                op.forward(y, t, size, false);
                return op.value();
            });
        }
    }

    private void checkOp(TestBackend backend, Op op, Tensor x, int frames, int batch, List<Input> parameters) {
        float[] w = values(Math.toIntExact(op.forward(x, frames, batch, true).size()), 1);
        Tensor dx = op.backward(backend.tensor(w));
        List<Input> inputs = new ArrayList<>(parameters);
        inputs.add(new Input("x", x, backend.tensor(dx.read())));
        for (Input input : inputs) {
            check(input, () -> product(w, op.forward(x, frames, batch, true).read()));
        }
    }

    /** An op without parameters. */
    private void checkOp(TestBackend backend, MultiInputOp op, List<Tensor> inputs, int frames, int batch) {
        float[] w = values(Math.toIntExact(op.forward(inputs, frames, batch, true).size()), 1);
        List<float[]> gradients = op.backward(backend.tensor(w)).stream().map(Tensor::read).toList();
        for (int k = 0; k < inputs.size(); k++) {
            check(new Input("input " + k, inputs.get(k), backend.tensor(gradients.get(k))),
                    () -> product(w, op.forward(inputs, frames, batch, true).read()));
        }
    }

    private static double product(float[] w, float[] y) {
        double sum = 0;
        for (int k = 0; k < y.length; k++) {
            sum += (double) w[k] * y[k];
        }
        return sum;
    }

    private void check(Input input, DoubleSupplier f) {
        float[] start = input.value.read();
        float[] gradient = input.gradient.read();
        double norm = 0;
        for (float g : gradient) {
            norm += (double) g * g;
        }
        norm = Math.sqrt(norm);
        for (int direction = 0; direction < DIRECTIONS; direction++) {
            int[] v = random.ints(start.length, 0, 2).map(bit -> 2 * bit - 1).toArray();
            double expected = 0;
            for (int k = 0; k < v.length; k++) {
                expected += (double) gradient[k] * v[k];
            }
            double difference = (8 * (at(1, input.value, start, v, f) - at(-1, input.value, start, v, f))
                    - at(2, input.value, start, v, f) + at(-2, input.value, start, v, f)) / (12 * STEP);
            input.value.write(start);
            assertEquals(difference, expected, TOLERANCE * norm, "derivative by " + input.name);
        }
    }

    private static double at(int steps, Tensor value, float[] start, int[] v, DoubleSupplier f) {
        float[] moved = start.clone();
        for (int k = 0; k < moved.length; k++) {
            moved[k] += (float) (steps * STEP * v[k]);
        }
        value.write(moved);
        return f.getAsDouble();
    }

    private static Input input(String name, Weights weights) {
        return new Input(name, weights.value(), weights.gradient());
    }

    private Weights weights(TestBackend backend, int size, double scale) {
        return backend.weights(values(size, scale));
    }

    private Tensor grid(TestBackend backend, int size, double scale) {
        return backend.tensor(values(size, scale));
    }

    private float[] values(int size, double scale) {
        float[] values = new float[size];
        for (int k = 0; k < size; k++) {
            values[k] = onGrid(scale * random.nextGaussian());
        }
        return values;
    }

    private static float onGrid(double value) {
        return (float) Math.scalb(Math.rint(Math.scalb(value, 10)), -10);
    }
}
