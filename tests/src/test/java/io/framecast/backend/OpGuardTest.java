package io.framecast.backend;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.framecast.FramecastException;
import io.framecast.Remedy;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Invalid calls of ops and tensors are refused with a message that has both shapes, and change nothing. */
@ParameterizedClass(name = "{0}")
@EnumSource(TestDevice.class)
class OpGuardTest {

    private static final int FRAMES = 3;
    private static final int BATCH = 2;
    private static final Plan TRAINING = new Plan(FRAMES, BATCH, true, true);
    private static final Plan INFERENCE = new Plan(FRAMES, BATCH, false, false);

    @Parameter
    TestDevice device;

    /** The layers' ops, on frames of 4 x 4 x 1, or for DepthToSpace of 2 x 2 x 4. */
    enum Layer {
        /** Of a shape that the CPU computes by Winograd's convolutions. */
        CONV_LSTM_16("ConvLSTM2D", "4 x 4 x 1", 4 * 4 * 16, 9 * 64, 9 * 16 * 64, 64) {
            @Override
            Op make(Backend backend, Plan plan, List<Weights> w) {
                return convLstm(backend, 16, plan, w);
            }
        },
        /** Of a shape that the CPU computes by oneDNN's. */
        CONV_LSTM_2("ConvLSTM2D", "4 x 4 x 1", 4 * 4 * 2, 9 * 8, 9 * 2 * 8, 8) {
            @Override
            Op make(Backend backend, Plan plan, List<Weights> w) {
                return convLstm(backend, 2, plan, w);
            }
        },
        BATCH_NORM("BatchNormalization", "4 x 4 x 1", 4 * 4, 1, 1, 1, 1) {
            @Override
            Op make(Backend backend, Plan plan, List<Weights> w) {
                return backend.batchNorm(new BatchNormSpec(4, 4, 1, 1e-3, 0.99), plan, w.get(0), w.get(1),
                        w.get(2).value(), w.get(3).value());
            }
        },
        CONV_3D("Conv3D", "4 x 4 x 1", 4 * 4 * 3, 27 * 3, 3) {
            @Override
            Op make(Backend backend, Plan plan, List<Weights> w) {
                return backend.conv3d(new Conv3dSpec(4, 4, 1, 3, 3, 3, 3, Activation.SIGMOID), plan, w.get(0),
                        w.get(1));
            }
        },
        CONV_3D_TRANSPOSE("Conv3DTranspose", "4 x 4 x 1", 8 * 4 * 3, 27 * 3, 3) {
            @Override
            Op make(Backend backend, Plan plan, List<Weights> w) {
                return backend.conv3dTranspose(
                        new Conv3dTransposeSpec(4, 4, 1, 3, 3, 3, 3, 2, 1, true, Activation.SIGMOID), plan, w.get(0),
                        w.get(1));
            }
        },
        LAYER_NORM("LayerNormalization", "4 x 4 x 1", 4 * 4, 1, 1) {
            @Override
            Op make(Backend backend, Plan plan, List<Weights> w) {
                return backend.layerNorm(new LayerNormSpec(4, 4, 1, 1e-3), plan, w.get(0), w.get(1));
            }
        },
        ACTIVATION("Activation", "4 x 4 x 1", 4 * 4) {
            @Override
            Op make(Backend backend, Plan plan, List<Weights> w) {
                return backend.elementwise(new ElementwiseSpec(4, 4, 1, Elementwise.GELU, 0, 0), plan);
            }
        },
        MAX_POOLING("MaxPooling3D", "4 x 4 x 1", 2 * 4) {
            @Override
            Op make(Backend backend, Plan plan, List<Weights> w) {
                return backend.pooling(new PoolingSpec(4, 4, 1, 3, 2, 2, 1, true, true), plan);
            }
        },
        UP_SAMPLING("UpSampling3D", "4 x 4 x 1", 8 * 12) {
            @Override
            Op make(Backend backend, Plan plan, List<Weights> w) {
                return backend.upSampling(new UpSamplingSpec(4, 4, 1, 2, 3, true), plan);
            }
        },
        SPACE_TO_DEPTH("SpaceToDepth", "4 x 4 x 1", 4 * 4) {
            @Override
            Op make(Backend backend, Plan plan, List<Weights> w) {
                return backend.spaceToDepth(new SpaceToDepthSpec(4, 4, 1, 2, false), plan);
            }
        },
        DEPTH_TO_SPACE("DepthToSpace", "2 x 2 x 4", 4 * 4) {
            @Override
            Op make(Backend backend, Plan plan, List<Weights> w) {
                return backend.spaceToDepth(new SpaceToDepthSpec(4, 4, 1, 2, true), plan);
            }
        },
        /** It gives no gradient of its input: a plan for one is refused. */
        BLOCK_MATCHING("BlockMatching2D", "4 x 4 x 1", 2 * 2 * 3) {
            @Override
            Op make(Backend backend, Plan plan, List<Weights> w) {
                return backend.blockMatching(new BlockMatchingSpec(4, 4, 1, 2, 1, 3),
                        new Plan(plan.frames(), plan.batch(), plan.training(), false));
            }
        },
        /** As an op of one input, which is both of its own. */
        ADD("Add", "4 x 4 x 1", 4 * 4) {
            @Override
            Op make(Backend backend, Plan plan, List<Weights> w) {
                return twice(backend.add(new AddSpec(4, 4, 1, 2), twice(plan)));
            }
        },
        CONCATENATE("Concatenate", "4 x 4 x 1", 4 * 4 * 2) {
            @Override
            Op make(Backend backend, Plan plan, List<Weights> w) {
                return twice(backend.concatenate(new ConcatenateSpec(4, 4, List.of(1, 1)), twice(plan)));
            }
        },
        /** As an op of one input, the frames; the others are zeros. */
        LAYERED_ADVECTION("LayeredAdvection2D", "4 x 4 x 1", 4 * 4) {
            @Override
            Op make(Backend backend, Plan plan, List<Weights> w) {
                MultiInputOp op = backend.layeredAdvection(new LayeredAdvectionSpec(4, 4, 1, 4, 2, 1, 1, 0.5f),
                        new Plan(plan.frames(), plan.batch(), plan.training(),
                                List.of(plan.inputGradient(), false, true, false)));
                Tensor zeros = backend.tensor(input(FRAMES, BATCH) * 2);
                return firstOf(op, x -> Arrays.asList(x, zeros, zeros, zeros), zeros);
            }
        };

        final String keras;
        final String input;
        final int output;
        final int[] parameters;

        Layer(String keras, String input, int output, int... parameters) {
            this.keras = keras;
            this.input = input;
            this.output = output;
            this.parameters = parameters;
        }

        abstract Op make(Backend backend, Plan plan, List<Weights> w);

        /** Whether a plan for training asks for the gradient of the input. */
        boolean hasInputGradient() {
            return this != BLOCK_MATCHING;
        }

        /** The first input in messages. */
        String first() {
            return inputs().equals(input) ? "input" : "input 0";
        }

        /** The shapes of all inputs in messages. */
        String inputs() {
            return switch (this) {
                case ADD, CONCATENATE -> input + " and " + input;
                case LAYERED_ADVECTION -> input + " and 4 x 4 x 2 and 1 x 1 x 6 and 1 x 1 x 2";
                default -> input;
            };
        }

        static Plan twice(Plan plan) {
            return new Plan(plan.frames(), plan.batch(), plan.training(), List.of(plan.inputGradient(), false));
        }

        static Op twice(MultiInputOp op) {
            return firstOf(op, x -> Arrays.asList(x, x));
        }

        /** @param inputs all of the op's, from the first */
        static Op firstOf(MultiInputOp op, Function<Tensor, List<Tensor>> inputs, Tensor... owned) {
            return new Op() {
                @Override
                public Tensor forward(Tensor x, int frames, int batch, boolean training) {
                    return op.forward(inputs.apply(x), frames, batch, training);
                }

                @Override
                public Tensor backward(Tensor dy) {
                    return op.backward(dy).get(0);
                }

                @Override
                public void close() {
                    op.close();
                    Arrays.stream(owned).forEach(Tensor::close);
                }
            };
        }

        List<Weights> weights(TestBackend backend) {
            return Arrays.stream(parameters).mapToObj(size -> backend.weights(new float[size])).toList();
        }

        Op op(TestBackend backend, Plan plan) {
            return backend.own(make(backend.get(), plan, weights(backend)));
        }

        static ConvLstmOp convLstm(Backend backend, int filters, Plan plan, List<Weights> w) {
            ConvLstmSpec spec = new ConvLstmSpec(4, 4, 1, filters, 3, 3, 1, 1, 1, 1, true, Activation.TANH,
                    Activation.SIGMOID);
            return backend.convLstm(spec, plan, w.get(0), w.get(1), w.get(2));
        }
    }

    /** Values for an input of this many frames and videos. */
    private static int input(int frames, int batch) {
        return frames * batch * 4 * 4;
    }

    private static Tensor zeros(TestBackend backend, int size) {
        return backend.tensor(new float[size]);
    }

    private static void refused(String message, Executable call) {
        assertEquals(message, assertThrows(IllegalArgumentException.class, call).getMessage());
    }

    private static void tooLarge(String size, Executable call) {
        FramecastException e = assertThrows(FramecastException.class, call);
        assertTrue(e.getMessage().startsWith(size), e.getMessage());
        assertEquals(List.of(Remedy.SMALLER_BATCH), e.remedies());
    }

    private static void outOfOrder(String message, Executable call) {
        assertEquals(message, assertThrows(IllegalStateException.class, call).getMessage());
    }

    @ParameterizedTest
    @EnumSource
    void framesAndVideosOutsideThePlan(Layer layer) {
        try (TestBackend backend = TestBackend.fp32(device)) {
            Op op = layer.op(backend, TRAINING);
            Tensor large = zeros(backend, input(FRAMES + 1, BATCH + 1));
            String message = layer.keras + " was planned for up to 3 frames of 2 videos of " + layer.inputs()
                    + " and was given %d frames of %d.";
            for (int[] wrong : new int[][] {{4, 2}, {3, 3}, {0, 2}, {3, 0}, {-1, 2}, {3, -1}, {-3, -2},
                    {Integer.MAX_VALUE, 1}}) {
                refused(message.formatted(wrong[0], wrong[1]), () -> op.forward(large, wrong[0], wrong[1], true));
            }
            works(backend, layer, op);
        }
    }

    @ParameterizedTest
    @EnumSource
    void tensorsThatAreTooSmallOrNotOfTheBackend(Layer layer) {
        try (TestBackend other = TestBackend.fp32(); TestBackend backend = TestBackend.fp32(device)) {
            Op op = layer.op(backend, TRAINING);
            Tensor x = zeros(backend, input(FRAMES, BATCH));
            refused(layer.keras + " needs 96 values as " + layer.first() + ", for 3 frames of 2 videos of "
                    + layer.input + ", and was given a tensor of 95.",
                    () -> op.forward(x.slice(0, 95), FRAMES, BATCH, true));
            refused(layer.keras + "'s " + layer.first() + ": the tensor is null.",
                    () -> op.forward(null, FRAMES, BATCH, true));
            Tensor foreign = zeros(other, Math.max(input(FRAMES, BATCH), FRAMES * BATCH * layer.output));
            refused(layer.keras + "'s " + layer.first() + ": the tensor belongs to another backend.",
                    () -> op.forward(foreign, FRAMES, BATCH, true));

            op.forward(x, FRAMES, BATCH, true);
            Tensor dy = zeros(backend, FRAMES * BATCH * layer.output);
            IllegalArgumentException small = assertThrows(IllegalArgumentException.class,
                    () -> op.backward(dy.slice(1, dy.size() - 1)));
            assertTrue(small.getMessage().startsWith(layer.keras + " needs " + dy.size() + " values as output gradient")
                    && small.getMessage().endsWith("a tensor of " + (dy.size() - 1) + "."), small.getMessage());
            refused(layer.keras + "'s output gradient: the tensor is null.", () -> op.backward(null));
            refused(layer.keras + "'s output gradient: the tensor belongs to another backend.",
                    () -> op.backward(foreign));
            // The refused calls did not consume the forward pass.
            assertEquals(layer.hasInputGradient(), op.backward(dy) != null);
        }
    }

    @ParameterizedTest
    @EnumSource
    void backwardWithoutAForwardInTraining(Layer layer) {
        try (TestBackend backend = TestBackend.fp32(device)) {
            Op op = layer.op(backend, TRAINING);
            Tensor x = zeros(backend, input(FRAMES, BATCH));
            Tensor dy = zeros(backend, FRAMES * BATCH * layer.output);
            String message = layer.keras + " needs a forward pass in training before each backward.";
            outOfOrder(message, () -> op.backward(dy));
            op.forward(x, FRAMES, BATCH, true);
            op.backward(dy);
            outOfOrder(message, () -> op.backward(dy));
            op.forward(x, FRAMES, BATCH, true);
            op.forward(x, FRAMES, BATCH, false);
            outOfOrder(message, () -> op.backward(dy));

            Op inference = layer.op(backend, INFERENCE);
            inference.forward(x, FRAMES, BATCH, true);
            outOfOrder(layer.keras + " was not planned for training and has no backward.",
                    () -> inference.backward(dy));
        }
    }

    @ParameterizedTest
    @EnumSource
    void useAfterTheOpOrATensorIsClosed(Layer layer) {
        try (TestBackend backend = TestBackend.fp32(device)) {
            Op op = layer.op(backend, TRAINING);
            Tensor x = zeros(backend, input(FRAMES, BATCH));
            Tensor dy = zeros(backend, FRAMES * BATCH * layer.output);
            Tensor closed = zeros(backend, input(FRAMES, BATCH));
            op.forward(closed, FRAMES, BATCH, true);
            closed.close();
            closed.close();
            outOfOrder(layer.keras + "'s " + layer.first() + " of the forward pass: the tensor is closed.",
                    () -> op.backward(dy));
            outOfOrder(layer.keras + "'s " + layer.first() + ": the tensor is closed.",
                    () -> op.forward(closed, FRAMES, BATCH, true));

            Tensor y = op.forward(x, FRAMES, BATCH, true);
            Tensor part = y.slice(0, 1);
            op.close();
            op.close();
            outOfOrder(layer.keras + " is closed.", () -> op.forward(x, FRAMES, BATCH, true));
            outOfOrder(layer.keras + " is closed.", () -> op.backward(dy));
            for (Tensor gone : List.of(y, part)) {
                outOfOrder("The tensor is closed.", () -> gone.read(0, new float[1], 0, 1));
                outOfOrder("The target of a copy: the tensor is closed.", () -> x.copyTo(0, gone, 0, 1));
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void useAfterTheBackendIsClosed(Layer layer) {
        TestBackend backend = TestBackend.fp32(device);
        Op op = layer.op(backend, TRAINING);
        Tensor x = zeros(backend, input(FRAMES, BATCH));
        Tensor dy = zeros(backend, FRAMES * BATCH * layer.output);
        Tensor y = op.forward(x, FRAMES, BATCH, true);
        List<Weights> weights = layer.weights(backend);
        backend.get().close();
        backend.get().close();
        for (Executable call : List.<Executable>of(() -> op.forward(x, FRAMES, BATCH, true), () -> op.backward(dy),
                () -> y.read(), () -> x.write(new float[1]), () -> x.slice(0, 1), () -> x.copyTo(0, y, 0, 1),
                () -> layer.make(backend.get(), INFERENCE, weights), () -> backend.get().tensor(1),
                () -> backend.get().loss(Loss.MEAN_SQUARED_ERROR, 1), () -> backend.get().adam(x, x, 0, 0, 0),
                () -> backend.get().muon(x, x, List.of(new Matrices(0, 1, 1, 1)), 0),
                () -> backend.get().clip(x, 1), () -> backend.get().blend(1),
                () -> backend.get().program(() -> { }))) {
            outOfOrder("The backend is closed.", call);
        }
        // Ops and tensors can still be closed, and must be if their memory outlives the backend.
        backend.closeMade();
    }

    /** On CUDA the third run replays a recording, which holds the addresses of tensors. */
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3})
    void programsWhoseTensorsAreClosed(int runs) {
        try (TestBackend backend = TestBackend.fp32(device)) {
            Backend b = backend.get();
            zeros(backend, 100); // The memory that the tensors below share with it stays.
            Tensor parameters = zeros(backend, 3);
            Tensor gradients = zeros(backend, 3);
            AdamOp adam = backend.own(b.adam(parameters, gradients, 0.9, 0.999, 1e-7));
            adam.setAlpha(0.1);
            Program program = b.program(adam::update);
            for (int run = 0; run < runs; run++) {
                program.run();
            }
            zeros(backend, 5).close();
            program.run(); // Of what it uses nothing is closed.
            gradients.close();
            outOfOrder("Adam's gradients: the tensor is closed.", program::run);
            program.close();
            program.close();
            outOfOrder("The program is closed.", program::run);
        }
    }

    /** What one thread computes with, another does not free meanwhile. */
    @Test
    void aCloseWaitsForTheCallInProgress() throws Exception {
        try (TestBackend backend = TestBackend.fp32(device)) {
            Tensor x = zeros(backend, 8);
            AtomicBoolean closed = new AtomicBoolean();
            Thread other = new Thread(() -> {
                x.close();
                closed.set(true);
            });
            Program program = backend.get().program(() -> {
                other.start();
                while (other.getState() != Thread.State.BLOCKED && !closed.get()) {
                    Thread.onSpinWait();
                }
                assertFalse(closed.get(), "closed during a call");
                assertEquals(8, x.read().length);
            });
            program.run();
            other.join();
            assertTrue(closed.get());
            outOfOrder("The tensor is closed.", x::read);
            program.close();
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"CONV_LSTM_16", "CONV_LSTM_2", "BATCH_NORM", "CONV_3D"})
    void parametersOfTheWrongSizeMissingOrClosed(Layer layer) {
        try (TestBackend other = TestBackend.fp32(); TestBackend backend = TestBackend.fp32(device)) {
            for (int k = 0; k < layer.parameters.length; k++) {
                int size = layer.parameters[k];
                notMade(backend, layer, k, w -> new Weights(zeros(backend, size + 1), w.gradient()),
                        " was given a tensor of " + (size + 1) + " values.");
                notMade(backend, layer, k, w -> new Weights(null, w.gradient()), ": the tensor is null.");
                notMade(backend, layer, k, w -> new Weights(zeros(other, size), w.gradient()),
                        ": the tensor belongs to another backend.");
                if (layer == Layer.BATCH_NORM && k >= 2) {
                    continue;   // Moving averages have no gradient.
                }
                notMade(backend, layer, k, w -> null, " was given no ");
                notMade(backend, layer, k, w -> new Weights(w.value(), null), ": the tensor is null.");
                notMade(backend, layer, k, w -> new Weights(w.value(), zeros(backend, size + 1)),
                        " was given a tensor of " + (size + 1) + " values.");
            }
            List<Weights> weights = layer.weights(backend);
            Op op = backend.own(layer.make(backend.get(), TRAINING, weights));
            Tensor x = zeros(backend, input(1, 1));
            weights.get(0).value().close();
            outOfOrder(layer.keras + "'s parameters: the tensor is closed.", () -> op.forward(x, 1, 1, true));
        }
    }

    private static void notMade(TestBackend backend, Layer layer, int index, UnaryOperator<Weights> change,
            String message) {
        List<Weights> weights = new ArrayList<>(layer.weights(backend));
        weights.set(index, change.apply(weights.get(index)));
        IllegalArgumentException e = assertThrows(IllegalArgumentException.class,
                () -> layer.make(backend.get(), TRAINING, weights));
        assertTrue(e.getMessage().startsWith(layer.keras) && e.getMessage().contains(message), e.getMessage());
    }

    @Test
    void shapesThatAreNone() {
        try (TestBackend backend = TestBackend.fp32(device)) {
            Backend b = backend.get();
            Weights one = backend.weights(1);
            for (Plan plan : List.of(new Plan(0, 2, false, false), new Plan(3, 0, false, false),
                    new Plan(-3, -2, false, false))) {
                for (Layer layer : Layer.values()) {
                    refused(layer.keras + " cannot have " + plan.frames() + " x " + plan.batch()
                            + " as frames and videos.", () -> layer.make(b, plan, layer.weights(backend)));
                }
            }
            tooLarge("BatchNormalization cannot be planned for 3 frames of 2 videos of 65536 x 65536 x 1: ",
                    () -> b.batchNorm(new BatchNormSpec(1 << 16, 1 << 16, 1, 1e-3, 0.99), INFERENCE, one, one,
                            one.value(), one.value()));
            tooLarge("SpaceToDepth cannot be planned for 3 frames of 2 videos of 65536 x 65536 x 1: ",
                    () -> b.spaceToDepth(new SpaceToDepthSpec(1 << 16, 1 << 16, 1, 1 << 16, false), INFERENCE));
            tooLarge("A tensor of " + Long.MAX_VALUE / 4 + " values is too large", () -> b.tensor(Long.MAX_VALUE / 4));
            tooLarge("BatchNormalization cannot be planned for 65536 frames of 65536 videos: ",
                    () -> b.batchNorm(new BatchNormSpec(1, 1, 1, 1e-3, 0.99), new Plan(1 << 16, 1 << 16, false, false),
                            one, one, one.value(), one.value()));
            tooLarge("BatchNormalization cannot be planned for 30000 frames of 30000 videos of 30000 x 30000 x 1: ",
                    () -> b.batchNorm(new BatchNormSpec(30000, 30000, 1, 1e-3, 0.99),
                            new Plan(30000, 30000, false, false), one, one, one.value(), one.value()));
            refused("ConvLSTM2D cannot be planned for 3 frames of 2 videos of 2 x 0 x 2.",
                    () -> b.convLstm(new ConvLstmSpec(4, 4, 1, 2, 3, 5, 1, 1, 1, 1, false, Activation.TANH,
                            Activation.SIGMOID), INFERENCE, one, one, one));
            refused("ConvLSTM2D cannot have 0 x 1 as strides.",
                    () -> b.convLstm(new ConvLstmSpec(4, 4, 1, 2, 3, 3, 0, 1, 1, 1, true, Activation.TANH,
                            Activation.SIGMOID), INFERENCE, one, one, one));
            refused("Conv3D cannot have 3 x 3 x 0 as kernel frames, height and width.",
                    () -> b.conv3d(new Conv3dSpec(4, 4, 1, 1, 3, 3, 0, Activation.LINEAR), INFERENCE, one, one));
            refused("Conv3D cannot have 1 x 0 as strides.",
                    () -> b.conv3d(new Conv3dSpec(4, 4, 1, 1, 1, 3, 3, 1, 0, 1, 1, true, Activation.LINEAR), INFERENCE,
                            one, one));
            refused("Conv3D cannot be planned for 3 frames of 2 videos of 2 x 0 x 1.",
                    () -> b.conv3d(new Conv3dSpec(4, 4, 1, 1, 1, 3, 3, 1, 1, 1, 2, false, Activation.LINEAR), INFERENCE,
                            one, one));
            refused("Conv3DTranspose cannot have 0 x 2 as strides.",
                    () -> b.conv3dTranspose(new Conv3dTransposeSpec(4, 4, 1, 1, 1, 3, 3, 0, 2, true,
                            Activation.LINEAR), INFERENCE, one, one));
            tooLarge("Conv3DTranspose cannot be planned for 4 pixels that become 2147483647 times as many: ",
                    () -> b.conv3dTranspose(new Conv3dTransposeSpec(4, 4, 1, 1, 1, 3, 3, 2, Integer.MAX_VALUE, true,
                            Activation.LINEAR), INFERENCE, one, one));
            refused("MaxPooling3D cannot have 0 x 2 as pool height and width.",
                    () -> b.pooling(new PoolingSpec(4, 4, 1, 0, 2, 1, 1, true, true), INFERENCE));
            refused("AveragePooling3D cannot be planned for 3 frames of 2 videos of 0 x 3 x 1.",
                    () -> b.pooling(new PoolingSpec(4, 4, 1, 5, 2, 1, 1, false, false), INFERENCE));
            refused("UpSampling3D cannot have 2 x -1 as size.",
                    () -> b.upSampling(new UpSamplingSpec(4, 4, 1, 2, -1, false), INFERENCE));
            tooLarge("UpSampling3D cannot be planned for 3 frames of 2 videos of 400000 x 400000 x 1: ",
                    () -> b.upSampling(new UpSamplingSpec(4, 4, 1, 100000, 100000, false), INFERENCE));
            refused("SpaceToDepth cannot cut frames of 4 x 5 x 1 into blocks of 2 x 2.",
                    () -> b.spaceToDepth(new SpaceToDepthSpec(4, 5, 1, 2, false), INFERENCE));
            refused("BlockMatching2D cannot cut frames of 4 x 5 x 1 into blocks of 2 x 2.",
                    () -> b.blockMatching(new BlockMatchingSpec(4, 5, 1, 2, 1, 3), INFERENCE));
            refused("BlockMatching2D cannot have 2 x 0 x 3 as block, largest displacement and window.",
                    () -> b.blockMatching(new BlockMatchingSpec(4, 4, 1, 2, 0, 3), INFERENCE));
            refused("BlockMatching2D cannot have a window of 4 blocks: it must be odd.",
                    () -> b.blockMatching(new BlockMatchingSpec(4, 4, 1, 2, 1, 4), INFERENCE));
            for (int reach : new int[] {1 << 14, Integer.MAX_VALUE}) {
                tooLarge("BlockMatching2D cannot be planned for 2 x 2 blocks and displacements of up to " + reach
                        + " pixels: ", () -> b.blockMatching(new BlockMatchingSpec(4, 4, 1, 2, reach, 3), INFERENCE));
            }
        }
    }

    @Test
    void blockMatchingHasNoGradient() {
        try (TestBackend backend = TestBackend.fp32(device)) {
            refused("BlockMatching2D has no gradient of its input, and was planned for one.",
                    () -> backend.get().blockMatching(new BlockMatchingSpec(4, 4, 1, 2, 1, 3), TRAINING));
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"CONV_LSTM_16", "CONV_LSTM_2", "BLOCK_MATCHING"})
    void stepsOutOfOrderOrOfOtherShapes(Layer layer) {
        try (TestBackend backend = TestBackend.fp32(device)) {
            Tensor x = zeros(backend, input(FRAMES, BATCH));
            ConvLstmOp training = (ConvLstmOp) layer.op(backend, TRAINING);
            outOfOrder(layer.keras + " was planned for training, which has no steps.", training::begin);
            outOfOrder(layer.keras + " was planned for training, which has no steps.",
                    () -> training.step(x, 1, 1, 1));

            ConvLstmOp op = (ConvLstmOp) layer.op(backend, INFERENCE);
            outOfOrder(layer.keras + " needs begin() before its first step.", () -> op.step(x, 1, 1, 1));
            op.begin();
            refused(layer.keras + " was planned for up to 3 frames of 2 videos of 4 x 4 x 1 and was given 4 frames of "
                    + "2.", () -> op.step(x, 4, 2, 1));
            refused(layer.keras + " needs 32 values as input, for 1 frames of 2 videos of 4 x 4 x 1, and was given a "
                    + "tensor of 31.", () -> op.step(x.slice(0, 31), 1, 2, 1));
            refused(layer.keras + " was given 2 frames and cannot commit the state after 3 of them.",
                    () -> op.step(x, 2, 1, 3));
            refused(layer.keras + " was given 2 frames and cannot commit the state after -1 of them.",
                    () -> op.step(x, 2, 1, -1));
            op.step(x, 1, 2, 0);
            op.step(x, 1, 1, 1);
            refused(layer.keras + " carries the state of 1 videos and was given frames of 2.",
                    () -> op.step(x, 1, 2, 1));
            op.step(x, 1, 1, 1);
            op.begin();
            op.step(x, 1, 2, 1);
            op.close();
            outOfOrder(layer.keras + " is closed.", op::begin);
            outOfOrder(layer.keras + " is closed.", () -> op.step(x, 1, 1, 1));
        }
    }

    @Test
    void opsOfSeveralInputs() {
        try (TestBackend other = TestBackend.fp32(); TestBackend backend = TestBackend.fp32(device)) {
            Backend b = backend.get();
            refused("Add takes at least 2 inputs, not 1.", () -> b.add(new AddSpec(4, 4, 1, 1), INFERENCE));
            refused("Add has 3 inputs and was planned for the gradients of 2.",
                    () -> b.add(new AddSpec(4, 4, 1, 3), Plan.inference(3, 2, 2)));
            refused("Conv3D has 1 input and was planned for the gradients of 2.",
                    () -> Layer.CONV_3D.make(b, Plan.inference(3, 2, 2), Layer.CONV_3D.weights(backend)));
            refused("Concatenate takes at least 2 inputs, not 0.",
                    () -> b.concatenate(new ConcatenateSpec(4, 4, List.of()), Plan.inference(3, 2, 0)));
            refused("Concatenate cannot be planned for 3 frames of 2 videos of 4 x 4 x 0.",
                    () -> b.concatenate(new ConcatenateSpec(4, 4, List.of(1, 0)), Plan.inference(3, 2, 2)));
            tooLarge("Concatenate cannot be planned for 2147483648 channels: ",
                    () -> b.concatenate(new ConcatenateSpec(1, 1, List.of(1 << 30, 1 << 30)),
                            Plan.inference(3, 2, 2)));

            Plan four = Plan.inference(3, 2, 4);
            refused("LayeredAdvection2D cannot have 0 as layers.",
                    () -> b.layeredAdvection(new LayeredAdvectionSpec(4, 4, 1, 2, 2, 0, 1, 0), four));
            refused("LayeredAdvection2D cannot have 0 as largest displacement.",
                    () -> b.layeredAdvection(new LayeredAdvectionSpec(4, 4, 1, 2, 2, 1, 0, 0), four));
            refused("LayeredAdvection2D cannot have 0 as block.",
                    () -> b.layeredAdvection(new LayeredAdvectionSpec(4, 4, 1, 0, 2, 1, 1, 0), four));
            refused("LayeredAdvection2D cannot cut frames of 4 x 6 x 1 into blocks of 4 x 4.",
                    () -> b.layeredAdvection(new LayeredAdvectionSpec(4, 6, 1, 4, 2, 1, 1, 0), four));
            refused("LayeredAdvection2D needs a flow of at least 2 channels, not 1.",
                    () -> b.layeredAdvection(new LayeredAdvectionSpec(4, 4, 1, 2, 1, 1, 1, 0), four));
            refused("LayeredAdvection2D cannot have a flow precision of NaN.",
                    () -> b.layeredAdvection(new LayeredAdvectionSpec(4, 4, 1, 2, 2, 1, 1, Float.NaN), four));
            tooLarge("LayeredAdvection2D cannot be planned for 3 frames of 2 videos of 64 x 64 x 3000000: ",
                    () -> b.layeredAdvection(new LayeredAdvectionSpec(64, 64, 3, 4, 2, 1_000_000, 1, 0), four));
            tooLarge("LayeredAdvection2D cannot be planned for 3 frames of 2 videos of 16 x 16 x 2147483647: ",
                    () -> b.layeredAdvection(new LayeredAdvectionSpec(64, 64, 1, 4, 2, 1, Integer.MAX_VALUE, 0), four));

            MultiInputOp op = backend.own(b.concatenate(new ConcatenateSpec(2, 1, List.of(1, 3)),
                    Plan.inference(FRAMES, BATCH, 2)));
            Tensor one = zeros(backend, 12);
            Tensor three = zeros(backend, 36);
            outOfOrder("Concatenate needs begin() before its first step.",
                    () -> op.step(List.of(one, three), 1, 1, 1));
            op.begin();
            for (List<Tensor> wrong : List.of(List.of(one), List.of(one, three, three))) {
                refused("Concatenate takes 2 inputs and was given " + wrong.size() + ".",
                        () -> op.forward(wrong, 1, 1, false));
                refused("Concatenate takes 2 inputs and was given " + wrong.size() + ".",
                        () -> op.step(wrong, 1, 1, 1));
            }
            refused("Concatenate takes 2 inputs and was given null.", () -> op.forward(null, 1, 1, false));
            refused("Concatenate needs 36 values as input 1, for 3 frames of 2 videos of 2 x 1 x 3, and was given a "
                    + "tensor of 12.", () -> op.step(List.of(one, one), FRAMES, BATCH, 1));
            refused("Concatenate's input 1: the tensor is null.", () -> op.step(Arrays.asList(one, null), 1, 1, 1));
            refused("Concatenate's input 1: the tensor belongs to another backend.",
                    () -> op.forward(List.of(one, zeros(other, 36)), 1, 1, false));
            refused("Concatenate was planned for up to 3 frames of 2 videos of 2 x 1 x 1 and 2 x 1 x 3 and was given "
                    + "1 frames of 3.", () -> op.step(List.of(one, three), 1, 3, 1));
            assertEquals(48, op.step(List.of(one, three), FRAMES, BATCH, 1).size());
            refused("Concatenate carries the state of 2 videos and was given frames of 1.",
                    () -> op.step(List.of(one, three), 1, 1, 1));
            op.close();
            op.close();
            outOfOrder("Concatenate is closed.", op::begin);
            outOfOrder("Concatenate is closed.", () -> op.step(List.of(one, three), 1, 1, 1));
            MultiInputOp training = backend.own(b.add(new AddSpec(2, 1, 1, 2),
                    new Plan(1, 1, true, List.of(true, true))));
            outOfOrder("Add was planned for training, which has no steps.", training::begin);
        }
    }

    @ParameterizedTest
    @EnumSource(Loss.class)
    void losses(Loss loss) {
        try (TestBackend other = TestBackend.fp32(); TestBackend backend = TestBackend.fp32(device)) {
            LossOp op = backend.own(backend.get().loss(loss, 10));
            Tensor ten = zeros(backend, 10);
            Tensor eleven = zeros(backend, 11);
            outOfOrder("The loss has no value before its first forward pass.", op::value);
            refused("The loss was planned for up to 10 elements and was given 11.",
                    () -> op.forward(eleven, eleven, 11, true));
            refused("The loss was planned for up to 10 elements and was given 0.",
                    () -> op.forward(ten, ten, 0, false));
            refused("The loss of 10 elements was given 9 outputs and 10 targets.",
                    () -> op.forward(ten.slice(0, 9), ten, 10, true));
            refused("The loss of 10 elements was given 10 outputs and 9 targets.",
                    () -> op.forward(ten, ten.slice(0, 9), 10, true));
            refused("The loss's outputs: the tensor is null.", () -> op.forward(null, ten, 10, true));
            refused("The loss's targets: the tensor is null.", () -> op.forward(ten, null, 10, true));
            refused("The loss's targets: the tensor belongs to another backend.",
                    () -> op.forward(ten, zeros(other, 10), 10, true));
            op.forward(ten, ten, 10, true);
            assertTrue(Double.isFinite(op.value()));
            Tensor gradient = op.gradient();
            op.close();
            op.close();
            outOfOrder("The loss is closed.", () -> op.forward(ten, ten, 10, true));
            outOfOrder("The loss is closed.", op::value);
            outOfOrder("The loss is closed.", op::gradient);
            outOfOrder("The tensor is closed.", gradient::read);
            for (long size : new long[] {0, -1, Long.MAX_VALUE}) {
                refused("A loss cannot be planned for " + size + " elements.", () -> backend.get().loss(loss, size));
            }
        }
    }

    @Test
    void adam() {
        try (TestBackend other = TestBackend.fp32(); TestBackend backend = TestBackend.fp32(device)) {
            Tensor ten = zeros(backend, 10);
            Tensor parameters = zeros(backend, 10);
            refused("Adam was given 10 parameters and 9 gradients.",
                    () -> backend.get().adam(ten, ten.slice(0, 9), 0.9, 0.999, 1e-7));
            refused("Adam's gradients: the tensor is null.", () -> backend.get().adam(ten, null, 0.9, 0.999, 1e-7));
            refused("Adam's parameters: the tensor belongs to another backend.",
                    () -> backend.get().adam(zeros(other, 10), ten, 0.9, 0.999, 1e-7));
            AdamOp op = backend.own(backend.get().adam(parameters, ten, 0.9, 0.999, 1e-7));
            op.setAlpha(1e-3);
            op.update();
            parameters.close();
            outOfOrder("Adam's parameters: the tensor is closed.", op::update);
            Tensor m = op.m();
            op.close();
            op.close();
            outOfOrder("Adam is closed.", op::update);
            outOfOrder("Adam is closed.", () -> op.setAlpha(1));
            outOfOrder("Adam is closed.", op::v);
            outOfOrder("The tensor is closed.", m::read);
        }
    }

    @Test
    void muon() {
        try (TestBackend backend = TestBackend.fp32(device)) {
            Tensor ten = zeros(backend, 10);
            Tensor parameters = zeros(backend, 10);
            List<Matrices> matrices = List.of(new Matrices(2, 2, 2, 2));
            refused("Muon was given 10 parameters and 9 gradients.",
                    () -> backend.get().muon(ten, ten.slice(0, 9), matrices, 0.95));
            for (double momentum : new double[] {-0.1, 1, Double.NaN}) {
                refused("Muon cannot have a momentum of " + momentum + ".",
                        () -> backend.get().muon(ten, ten, matrices, momentum));
            }
            refused("Muon was given no matrix.", () -> backend.get().muon(ten, ten, List.of(), 0.95));
            for (Matrices none : List.of(new Matrices(0, 0, 1, 1), new Matrices(0, 1, -1, 1),
                    new Matrices(0, 1, 1, 0))) {
                refused("Muon was given matrices without values: " + none + ".",
                        () -> backend.get().muon(ten, ten, List.of(none), 0.95));
            }
            for (Matrices outside : List.of(new Matrices(3, 2, 2, 2), new Matrices(-1, 1, 1, 1),
                    new Matrices(0, 1 << 30, 1 << 30, 1 << 30))) {
                refused("Muon was given matrices outside its 10 parameters: " + outside + ".",
                        () -> backend.get().muon(ten, ten, List.of(outside), 0.95));
            }
            MuonOp op = backend.own(backend.get().muon(parameters, ten, matrices, 0.95));
            op.setRate(1e-3);
            op.update();
            parameters.close();
            outOfOrder("Muon's parameters: the tensor is closed.", op::update);
            Tensor momentum = op.momentum();
            op.close();
            op.close();
            outOfOrder("Muon is closed.", op::update);
            outOfOrder("Muon is closed.", () -> op.setRate(1));
            outOfOrder("The tensor is closed.", momentum::read);
        }
    }

    @Test
    void clip() {
        try (TestBackend other = TestBackend.fp32(); TestBackend backend = TestBackend.fp32(device)) {
            Tensor gradients = zeros(backend, 10);
            refused("The gradients to clip: the tensor belongs to another backend.",
                    () -> backend.get().clip(zeros(other, 10), 1));
            for (double norm : new double[] {0, -1, Double.NaN, Double.POSITIVE_INFINITY}) {
                refused("Gradients cannot be clipped to a norm of " + norm + ".",
                        () -> backend.get().clip(gradients, norm));
            }
            ClipOp op = backend.own(backend.get().clip(gradients, 1));
            op.clip();
            gradients.close();
            outOfOrder("The gradients to clip: the tensor is closed.", op::clip);
            op.close();
            op.close();
            outOfOrder("The clip is closed.", op::clip);
        }
    }

    @Test
    void blend() {
        try (TestBackend other = TestBackend.fp32(); TestBackend backend = TestBackend.fp32(device)) {
            refused("A blend cannot be planned for 0 rows.", () -> backend.get().blend(0));
            Tensor x = zeros(backend, 12);
            Tensor y = zeros(backend, 12);
            BlendOp op = backend.own(backend.get().blend(4));
            refused("The blend was planned for 4 rows and was given 3 rates.", () -> op.setRates(new float[3]));
            for (float rate : new float[] {-0.1f, 1.1f, Float.NaN}) {
                refused("A rate of a blend is " + rate + "; it must be from 0 to 1.",
                        () -> op.setRates(new float[] {0, rate, 0, 0}));
            }
            op.blend(x, y, 0, 4);
            op.blend(x, y, 1, 3);
            assertThrows(IndexOutOfBoundsException.class, () -> op.blend(x, y, 2, 3));
            refused("A blend of 0 rows was given tensors of 12 and 12 values.", () -> op.blend(x, y, 0, 0));
            refused("A blend of 4 rows was given tensors of 12 and 8 values.", () -> op.blend(x, y.slice(0, 8), 0, 4));
            refused("A blend of 3 rows was given tensors of 8 and 8 values.",
                    () -> op.blend(x.slice(0, 8), y.slice(0, 8), 0, 3));
            refused("The values of a blend: the tensor belongs to another backend.",
                    () -> op.blend(zeros(other, 12), y, 0, 4));
            refused("The target of a blend: the tensor is null.", () -> op.blend(x, null, 0, 4));
            y.close();
            outOfOrder("The target of a blend: the tensor is closed.", () -> op.blend(x, y, 0, 4));
            op.close();
            op.close();
            outOfOrder("The blend is closed.", () -> op.blend(x, x, 0, 4));
            outOfOrder("The blend is closed.", () -> op.setRates(new float[4]));
        }
    }

    @Test
    void tensors() {
        try (TestBackend other = TestBackend.fp32(); TestBackend backend = TestBackend.fp32(device)) {
            Tensor x = backend.tensor(1, 2, 3, 4);
            Tensor y = backend.tensor(5, 6, 7);
            float[] host = new float[4];
            for (Executable call : List.<Executable>of(
                    () -> x.write(1, host, 0, 4), () -> x.write(-1, host, 0, 1), () -> x.write(0, host, 0, -1),
                    () -> x.write(Long.MAX_VALUE, host, 0, 1), () -> x.write(0, host, 1, 4),
                    () -> x.write(0, host, -1, 1), () -> x.write(new float[5]),
                    () -> x.read(1, host, 0, 4), () -> x.read(-1, host, 0, 1), () -> x.read(0, host, 0, -1),
                    () -> x.read(0, host, 1, 4), () -> x.read(0, host, -1, 1),
                    () -> x.copyTo(0, y, 0, 4), () -> x.copyTo(2, y, 0, 3), () -> x.copyTo(0, y, 1, 3),
                    () -> x.copyTo(-1, y, 0, 1), () -> x.copyTo(0, y, -1, 1), () -> x.copyTo(0, y, 0, -1),
                    () -> x.slice(1, 4), () -> x.slice(-1, 2), () -> x.slice(0, -1), () -> x.slice(5, 0),
                    () -> x.slice(1, 2).read(0, host, 0, 3), () -> x.slice(1, 2).slice(1, 2),
                    () -> x.slice(3, 1).write(host))) {
                assertThrows(IndexOutOfBoundsException.class, call);
            }
            refused("The target of a copy: the tensor is null.", () -> x.copyTo(0, null, 0, 1));
            refused("The target of a copy: the tensor belongs to another backend.",
                    () -> x.copyTo(0, zeros(other, 4), 0, 1));
            refused("A tensor cannot have -1 values.", () -> backend.get().tensor(-1));
            tooLarge("A tensor of 4611686018427387904 values is too large", () -> backend.get().tensor(1L << 62));
            assertArrayEquals(new float[] {1, 2, 3, 4}, x.read());
            assertArrayEquals(new float[] {5, 6, 7}, y.read());
            Tensor slice = x.slice(1, 2);
            slice.close();
            assertArrayEquals(new float[] {2, 3}, slice.read());
            x.close();
            x.close();
            for (Tensor gone : List.of(x, slice)) {
                outOfOrder("The tensor is closed.", () -> gone.read(0, host, 0, 1));
                outOfOrder("The tensor is closed.", () -> gone.write(0, host, 0, 1));
                outOfOrder("The tensor is closed.", () -> gone.slice(0, 1));
                outOfOrder("The tensor is closed.", () -> gone.copyTo(0, y, 0, 1));
                outOfOrder("The target of a copy: the tensor is closed.", () -> y.copyTo(0, gone, 0, 1));
            }
        }
    }

    @Test
    void copiesWithinOneTensor() {
        try (TestBackend backend = TestBackend.fp32(device)) {
            Tensor x = backend.tensor(1, 2, 3, 4, 5, 6);
            Tensor middle = x.slice(2, 3);
            for (Executable copy : List.<Executable>of(() -> x.copyTo(0, x, 0, 6), () -> x.copyTo(0, x, 2, 3),
                    () -> x.copyTo(2, x, 0, 3), () -> x.copyTo(0, middle, 0, 3), () -> middle.copyTo(1, x, 4, 2),
                    () -> middle.copyTo(0, x.slice(1, 2), 0, 2), () -> middle.copyTo(1, middle, 0, 2))) {
                IllegalArgumentException e = assertThrows(IllegalArgumentException.class, copy);
                assertTrue(e.getMessage().startsWith("The values to copy and their target overlap: "), e.getMessage());
            }
            assertArrayEquals(new float[] {1, 2, 3, 4, 5, 6}, x.read());
            // Side by side, and nothing.
            x.copyTo(0, x, 3, 3);
            assertArrayEquals(new float[] {1, 2, 3, 1, 2, 3}, x.read());
            middle.copyTo(1, x, 0, 2);
            middle.copyTo(0, middle, 2, 1);
            assertArrayEquals(new float[] {1, 2, 3, 1, 3, 3}, x.read());
            middle.copyTo(1, x, 3, 0);
        }
    }

    /** A SpaceToDepth whose input gradient was not planned returns none, and writes none. */
    @Test
    void noInputGradientUnlessPlanned() {
        try (TestBackend backend = TestBackend.fp32(device)) {
            for (Layer layer : List.of(Layer.SPACE_TO_DEPTH, Layer.ADD, Layer.CONCATENATE, Layer.CONV_3D,
                    Layer.CONV_LSTM_16, Layer.CONV_LSTM_2)) {
                Op op = layer.op(backend, new Plan(FRAMES, BATCH, true, false));
                op.forward(zeros(backend, input(FRAMES, BATCH)), FRAMES, BATCH, true);
                assertNull(op.backward(zeros(backend, FRAMES * BATCH * layer.output)), layer.keras);
            }
        }
    }

    /** The result is the same as without refused calls. */
    private static void works(TestBackend backend, Layer layer, Op op) {
        Tensor y = op.forward(zeros(backend, input(FRAMES, BATCH)), FRAMES, BATCH, true);
        assertEquals((long) FRAMES * BATCH * layer.output, y.size());
        Tensor dx = op.backward(zeros(backend, Math.toIntExact(y.size())));
        assertEquals(layer.hasInputGradient() ? input(FRAMES, BATCH) : 0, dx == null ? 0 : dx.size());
    }
}
