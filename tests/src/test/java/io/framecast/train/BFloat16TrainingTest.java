package io.framecast.train;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.framecast.backend.Precision;
import io.framecast.backend.cpu.CpuBackend;
import io.framecast.data.MovingMnist;
import io.framecast.nn.HostTensor;
import io.framecast.nn.ModelConfig;
import io.framecast.nn.ModelJson;
import io.framecast.nn.Parameters;
import io.framecast.tools.bench.OwnTraining;
import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** Training in bfloat16 follows training in float32. */
class BFloat16TrainingTest {

    private static final int STEPS = 200;
    private static final double ROUNDOFF = Math.scalb(1, -8);
    private static final int FRAMES = MovingMnist.FRAMES - 1;

    /** The reference network with a quarter of its filters, on patches of 2x2. */
    private static final ModelConfig MODEL = ModelJson.parse("""
            {"input": {"height": 64, "width": 64, "channels": 1}, "layers": [
                {"type": "SpaceToDepth", "block_size": 2},
                {"type": "ConvLSTM2D", "filters": 16, "kernel_size": 5, "padding": "same", "activation": "relu"},
                {"type": "BatchNormalization"},
                {"type": "ConvLSTM2D", "filters": 16, "kernel_size": 3, "padding": "same", "activation": "relu"},
                {"type": "BatchNormalization"},
                {"type": "ConvLSTM2D", "filters": 16, "kernel_size": 1, "padding": "same", "activation": "relu"},
                {"type": "Conv3D", "filters": 4, "kernel_size": 3, "activation": "sigmoid"},
                {"type": "DepthToSpace", "block_size": 2}]}""", "the test");

    /**
     * Rounding to bfloat16 changes an operand by at most 2^-8 of its value, up or down. A loss is a mean over all
     * pixels and frames, so that most of this cancels within a step. The rest lets the two runs diverge slowly, like
     * the noise of batches, without making one better than the other. The bounds are twice the unit roundoff on
     * average, and eight times in a single step; 0.7 and 2.9 times were measured.
     */
    @Test
    void twoHundredStepsFollowThoseInFloat32() {
        CompletableFuture<double[]> other = CompletableFuture.supplyAsync(() -> losses(Precision.FP32));
        double[] bf16 = losses(Precision.BF16);
        double[] fp32 = other.join();
        double sum = 0;
        for (int step = 0; step < STEPS; step++) {
            double off = Math.abs(bf16[step] / fp32[step] - 1);
            assertTrue(off <= 8 * ROUNDOFF, "step " + step + ": " + bf16[step] + ", in float32 " + fp32[step]);
            sum += off;
        }
        assertTrue(sum / STEPS <= 2 * ROUNDOFF, "on average off by " + sum / STEPS);
        assertTrue(fp32[STEPS - 1] < fp32[0] / 4, "nothing was learned: the last loss is " + fp32[STEPS - 1]);
    }

    private static double[] losses(Precision precision) {
        Map<String, HostTensor> initial = Parameters.initial(MODEL, 5);
        MovingMnist videos = MovingMnist.training(STEPS, 6);
        int size = FRAMES * MODEL.input().size();
        double[] losses = new double[STEPS];
        try (CpuBackend backend = new CpuBackend(precision, 1);
                OwnTraining training = new OwnTraining(backend, MODEL, initial, 1, FRAMES)) {
            for (int step = 0; step < STEPS; step++) {
                float[] video = videos.get(step).values();
                losses[step] = training.step(Arrays.copyOf(video, size),
                        Arrays.copyOfRange(video, MODEL.input().size(), MODEL.input().size() + size));
            }
        }
        return losses;
    }
}
