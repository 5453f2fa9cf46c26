package io.framecast.peer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.framecast.FramecastException;
import io.framecast.backend.Precision;
import io.framecast.backend.cpu.CpuBackend;
import io.framecast.nn.HostTensor;
import io.framecast.nn.ModelConfig;
import io.framecast.nn.ModelJson;
import io.framecast.nn.Parameters;
import io.framecast.tools.bench.OwnTraining;
import io.framecast.tools.bench.Peer;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class TorchPeerTest {

    private static final int FRAMES = 4;
    private static final int BATCH = 2;
    private static final int THREADS = 2;

    /** Every type of layer, also with kernels of even size and with several channels, and all activations. */
    private static final String MODEL = """
            {"input": {"height": 8, "width": 12, "channels": 3}, "layers": [
              {"type": "SpaceToDepth", "block_size": 2},
              {"type": "ConvLSTM2D", "filters": 6, "kernel_size": [3, 5], "padding": "same",
               "activation": "relu", "recurrent_activation": "sigmoid"},
              {"type": "BatchNormalization"},
              {"type": "Conv3D", "filters": 5, "kernel_size": [1, 3, 3], "activation": "tanh"},
              {"type": "ConvLSTM2D", "filters": 4, "kernel_size": [2, 1], "padding": "same",
               "activation": "tanh", "recurrent_activation": "hard_sigmoid"},
              {"type": "BatchNormalization", "epsilon": 0.01, "momentum": 0.9},
              {"type": "ConvLSTM2D", "filters": 4, "kernel_size": [1, 1], "padding": "same",
               "activation": "linear", "recurrent_activation": "hard_sigmoid_keras2"},
              {"type": "Conv3D", "filters": 12, "kernel_size": [3, 3, 2], "activation": "sigmoid"},
              {"type": "DepthToSpace", "block_size": 2}]}
            """;

    private final ModelConfig model = ModelJson.parse(MODEL, "test");
    private final Map<String, HostTensor> initial = Parameters.initial(model, 5);
    private final float[] inputs = values(6, 1);
    /** Values far from 0.5, so that there is something to learn. */
    private final float[] targets = values(7, 0.2f);

    private float[] values(long seed, float most) {
        Random random = new Random(seed);
        float[] values = new float[FRAMES * BATCH * model.input().size()];
        for (int k = 0; k < values.length; k++) {
            values[k] = most * random.nextFloat();
        }
        return values;
    }

    private double[] own(Precision precision) {
        try (CpuBackend backend = new CpuBackend(precision, THREADS);
                OwnTraining own = new OwnTraining(backend, model, initial, BATCH, FRAMES)) {
            return losses(own);
        }
    }

    private double[] torch(Precision precision, Idiom idiom) {
        try (Peer.Training torch = new TorchPeer().train(model, initial, precision, THREADS, BATCH, FRAMES,
                idiom.words())) {
            return losses(torch);
        }
    }

    private double[] losses(Peer.Training training) {
        double[] losses = new double[3];
        for (int step = 0; step < losses.length; step++) {
            losses[step] = training.step(inputs, targets);
        }
        return losses;
    }

    /** The third loss depends on all gradients of the first step, and on the state of Adam. */
    @ParameterizedTest
    @EnumSource
    void trainsAsOurEngineDoes(Idiom idiom) {
        double[] ours = own(Precision.FP32);
        double[] theirs = torch(Precision.FP32, idiom);
        assertEquals(ours[0], theirs[0], 1e-5);
        assertEquals(ours[1], theirs[1], 1e-5);
        assertEquals(ours[2], theirs[2], 1e-5);
        assertTrue(ours[0] - ours[2] > 1e-3, "steps must change the loss by much more than it may differ by");
    }

    @Test
    void float64IsWhatBothComeTo() {
        double[] right = new TorchPeer().lossesInFloat64(model, initial, THREADS, BATCH, FRAMES, inputs, targets);
        double[] ours = own(Precision.FP32);
        assertEquals(right[0], ours[0], 1e-6);
        assertEquals(right[1], ours[1], 1e-5);
        double[] again = new TorchPeer().lossesInFloat64(model, initial, 1, BATCH, FRAMES, inputs, targets);
        for (int step = 0; step < 2; step++) {
            assertTrue((float) right[step] != right[step], "more digits than a float's");
            assertEquals(right[step], again[step], 1e-12, "whatever the order of sums");
        }
    }

    /** bfloat16 has 8 significant bits: the losses of a network of eight layers agree to about a hundredth of that. */
    @ParameterizedTest
    @EnumSource
    void trainsInBfloat16WithinItsRounding(Idiom idiom) {
        double[] ours = own(Precision.FP32);
        double[] theirs = torch(Precision.BF16, idiom);
        assertEquals(ours[0], theirs[0], 4e-3);
        assertEquals(ours[2], theirs[2], 1e-2);
        assertTrue(Math.abs(ours[0] - theirs[0]) > 1e-7, "bfloat16 was not used");
    }

    @Test
    void refusesWhatItDoesNotOffer() {
        String strided = MODEL.replace("\"kernel_size\": [1, 1], \"padding\": \"same\"",
                "\"kernel_size\": [1, 1], \"padding\": \"valid\"");
        ModelConfig other = ModelJson.parse(strided, "test");
        FramecastException e = assertThrows(FramecastException.class, () -> new TorchPeer().train(other,
                Parameters.initial(other, 5), Precision.FP32, THREADS, BATCH, FRAMES, Idiom.AHEAD.words()));
        assertTrue(e.getMessage().contains("ConvLSTM2D with \"padding\": \"same\" only"), e.getMessage());
    }
}
