package io.framecast.backend;

import static io.framecast.golden.Closeness.assertWithin;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.framecast.backend.cpu.CpuBackend.Operands;
import io.framecast.tools.check.golden.Golden;
import io.framecast.tools.check.golden.GoldenConv3d;
import io.framecast.tools.check.golden.GoldenConvLstm;
import io.framecast.tools.check.golden.Tolerance;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Convolutions of bfloat16 operands, stored as bfloat16 and as float32 values rounded to bfloat16.
 *
 * <p>The product of two bfloat16 values is exact in float32. So the tolerances of float32 hold against a reference that
 * rounds the same operands (inputs, kernels, hidden states, gradients of the gate inputs) and computes everything else
 * in float64: no operand of these cases is close enough to the midpoint of two bfloat16 values to round differently.
 * Against a reference without rounding, the error bound follows from the format.
 */
class BFloat16Test {

    /** bfloat16 has 8 significant bits: rounding to nearest changes a value by up to 2^-8 of it. */
    private static final double ROUNDOFF = Math.scalb(1, -8);

    static List<Arguments> convLstms() {
        return bothWays("conv_lstm_bfloat16");
    }

    static List<Arguments> conv3ds() {
        return bothWays("conv3d_bfloat16");
    }

    static List<Arguments> exactConv3ds() {
        return bothWays("conv3d");
    }

    private static List<Arguments> bothWays(String golden) {
        List<Arguments> arguments = new ArrayList<>();
        for (Golden.Case c : Golden.load(golden).cases()) {
            arguments.add(Arguments.of(Operands.ROUNDED, c));
            arguments.add(Arguments.of(Operands.BF16, c));
        }
        return arguments;
    }

    @ParameterizedTest
    @MethodSource("convLstms")
    void convLstmAgreesWithTheReferenceThatRoundsTheSameOperands(Operands operands, Golden.Case c) {
        try (TestBackend backend = TestBackend.bf16(operands)) {
            assertWithin(GoldenConvLstm.compare(backend, c, 0, Tolerance.FP32));
        }
    }

    @ParameterizedTest
    @MethodSource("conv3ds")
    void conv3dAgreesWithTheReferenceThatRoundsTheSameOperands(Operands operands, Golden.Case c) {
        try (TestBackend backend = TestBackend.bf16(operands)) {
            assertWithin(GoldenConv3d.compare(backend, c, 0, Tolerance.FP32));
        }
    }

    /**
     * The error of each product w*x is at most (2u + u^2)*|w*x|, with u the unit roundoff, and no activation has a
     * slope above 1. So the error of an output is at most that factor times sum(|w|*|x|), the convolution of the
     * absolute values. Float32's rounding errors are far below that.
     */
    @ParameterizedTest
    @MethodSource("exactConv3ds")
    void conv3dStaysWithinTheBoundOfTheFormat(Operands operands, Golden.Case c) {
        Conv3dSpec spec = GoldenConv3d.spec(c);
        Conv3dSpec linear = new Conv3dSpec(spec.height(), spec.width(), spec.channels(), spec.filters(),
                spec.kernelFrames(), spec.kernelHeight(), spec.kernelWidth(), Activation.LINEAR);
        float[] actual;
        float[] magnitudes;
        try (TestBackend backend = TestBackend.bf16(operands)) {
            actual = forward(backend, spec, c, c.values("x"), c.values("kernel"), c.values("bias"));
        }
        try (TestBackend backend = TestBackend.fp32()) {
            magnitudes = forward(backend, linear, c, absolute(c.values("x")), absolute(c.values("kernel")),
                    new float[spec.filters()]);
        }
        float[] expected = c.values("y");
        for (int k = 0; k < expected.length; k++) {
            double bound = (2 * ROUNDOFF + ROUNDOFF * ROUNDOFF) * magnitudes[k];
            assertTrue(Math.abs(expected[k] - actual[k]) <= bound, c + ": y[" + k + "] is " + actual[k] + ", not "
                    + expected[k] + " within " + bound);
        }
    }

    private static float[] forward(TestBackend backend, Conv3dSpec spec, Golden.Case c, float[] x, float[] kernel,
            float[] bias) {
        Op op = backend.own(backend.get().conv3d(spec, new Plan(c.number("frames"), c.number("batch"), false, false),
                backend.weights(kernel), backend.weights(bias)));
        return op.forward(backend.tensor(x), c.number("frames"), c.number("batch"), false).read();
    }

    private static float[] absolute(float[] values) {
        float[] absolute = new float[values.length];
        for (int k = 0; k < values.length; k++) {
            absolute[k] = Math.abs(values[k]);
        }
        return absolute;
    }
}
