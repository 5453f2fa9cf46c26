package io.framecast.backend.cuda.collective;

import io.framecast.backend.AllReduceOp;
import io.framecast.backend.BatchNormOp;
import io.framecast.backend.BatchNormSpec;
import io.framecast.backend.Convolutions;
import io.framecast.backend.DataParallel;
import io.framecast.backend.FetchListener;
import io.framecast.backend.Plan;
import io.framecast.backend.Precision;
import io.framecast.backend.ProcessGroup;
import io.framecast.backend.Program;
import io.framecast.backend.SocketGroup;
import io.framecast.backend.Tensor;
import io.framecast.backend.Weights;
import io.framecast.backend.cuda.CudaBackend;
import io.framecast.softgpu.SoftGpu;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/** A process of {@link CollectivesTest}. It prints what the test compares. */
final class CollectiveRank {

    static final int CHANNELS = 5;
    static final int PIXELS = 6;
    static final int FRAMES = 3;

    private CollectiveRank() {
    }

    public static void main(String[] arguments) throws Exception {
        int rank = Integer.parseInt(arguments[0]);
        int size = Integer.parseInt(arguments[1]);
        ProcessGroup group = SocketGroup.join(Path.of(arguments[2]), size, rank);
        try (CudaBackend backend = backend(new DataParallel(group, false))) {
            switch (arguments[3]) {
                case "sums" -> sums(backend, group);
                case "batchnorm" -> batchNorm(backend, rank, size);
                case "ended" -> ended(backend, rank);
                default -> throw new IllegalArgumentException(arguments[3]);
            }
            System.out.println(backend.description().replaceFirst(".*, with other processes by ", ""));
        }
        System.out.println(SoftGpu.report() + SoftGpu.liveAllocations());
        group.close();
    }

    static CudaBackend backend(DataParallel dataParallel) {
        return new CudaBackend(true, Precision.FP32, Convolutions.KERNELS, true, FetchListener.NONE, dataParallel);
    }

    private static float[] values(int seed, int size) {
        Random random = new Random(seed);
        float[] values = new float[size];
        for (int k = 0; k < size; k++) {
            values[k] = 8 * random.nextFloat() - 4;
        }
        return values;
    }

    /** Two buckets, of which the second has two parts, three times: the last two in a graph, if there is one. */
    private static void sums(CudaBackend backend, ProcessGroup group) {
        int[] sizes = {1000, 4_200_000};
        List<Tensor> buckets = new ArrayList<>();
        for (int size : sizes) {
            buckets.add(backend.tensor(size));
        }
        try (AllReduceOp op = backend.allReduce(buckets); Program program = backend.program(() -> {
            op.start(0);
            op.start(1);
            op.await();
        })) {
            for (int turn = 0; turn < 3; turn++) {
                double[][] expected = new double[2][];
                for (int b = 0; b < 2; b++) {
                    expected[b] = new double[sizes[b]];
                    for (int r = 0; r < group.size(); r++) {
                        float[] of = values(100 * turn + 10 * r + b, sizes[b]);
                        for (int k = 0; k < sizes[b]; k++) {
                            expected[b][k] += of[k];
                        }
                        if (r == group.rank()) {
                            buckets.get(b).write(of);
                        }
                    }
                }
                program.run();
                for (int b = 0; b < 2; b++) {
                    float[] got = buckets.get(b).read();
                    for (int k = 0; k < got.length; k++) {
                        // Each of up to three sums, of less than 16, is rounded by up to 2^-21.
                        if (!(Math.abs(got[k] - expected[b][k]) <= 3 * Math.scalb(1, -21))) {
                            throw new AssertionError("turn " + turn + ", bucket " + b + ", " + k + ": " + got[k]
                                    + " is not " + expected[b][k]);
                        }
                    }
                }
                System.out.println(Arrays.hashCode(buckets.get(0).read()));
            }
        }
        buckets.forEach(Tensor::close);
    }

    /** The videos of a rank: their number. The last of four ranks has padding alone. */
    static int videos(int rank) {
        return rank == 0 ? 2 : 1;
    }

    static boolean isPadding(int rank) {
        return rank == 3;
    }

    /** A frame's values of a rank's videos; a video's mean and scale are its own. */
    static float[] frames(int rank, int what) {
        float[] values = values(50 * rank + what, FRAMES * videos(rank) * PIXELS * CHANNELS);
        for (int k = 0; k < values.length; k++) {
            values[k] = values[k] * (1 + rank) + 30 * what * (1 + k % CHANNELS) * (rank - 1);
        }
        return values;
    }

    /**
     * One step of batch normalisation, four times from the same input: prints y, dx, the gradients and the averages.
     */
    static void batchNorm(CudaBackend backend, int rank, int size) {
        float[] x = frames(rank, 1);
        float[] dy = frames(rank, 0);
        if (isPadding(rank)) {
            Arrays.fill(dy, 0);
        }
        print(batchNorm(backend, x, dy, videos(rank), isPadding(rank)));
    }

    static List<float[]> batchNorm(CudaBackend backend, float[] x, float[] dy, int videos, boolean padding) {
        try (Tensor input = backend.tensor(x.length); Tensor gradient = backend.tensor(dy.length);
                Tensor gamma = backend.tensor(CHANNELS); Tensor beta = backend.tensor(CHANNELS);
                Tensor gammaGradient = backend.tensor(CHANNELS); Tensor betaGradient = backend.tensor(CHANNELS);
                Tensor mean = backend.tensor(CHANNELS); Tensor variance = backend.tensor(CHANNELS);
                BatchNormOp op = backend.batchNorm(new BatchNormSpec(2, 3, CHANNELS, 1e-3, 0.9),
                        new Plan(FRAMES, videos, true, true), new Weights(gamma, gammaGradient),
                        new Weights(beta, betaGradient), mean, variance)) {
            gamma.write(new float[] {1, 2, -1, 0.5f, 3});
            beta.write(new float[] {0, 1, 2, 3, 4});
            List<float[]> results = new ArrayList<>();
            Tensor[] made = new Tensor[2];
            try (Program program = backend.program(() -> {
                op.setPadding(padding);
                made[0] = op.forward(input, FRAMES, videos, true);
                made[1] = op.backward(gradient);
            })) {
                for (int turn = 0; turn < 4; turn++) {
                    input.write(x);
                    gradient.write(dy);
                    program.run();
                    results.clear();
                    for (Tensor tensor : new Tensor[] {made[0], made[1], gammaGradient, betaGradient, mean, variance}) {
                        results.add(tensor.read());
                    }
                }
            }
            return results;
        }
    }

    private static void print(List<float[]> results) {
        results.forEach(result -> System.out.println(Arrays.toString(result)));
    }

    /** Rank 1 ends after its first sum; the others learn of it while they wait. */
    private static void ended(CudaBackend backend, int rank) {
        try (Tensor bucket = backend.tensor(10); AllReduceOp op = backend.allReduce(List.of(bucket))) {
            for (int turn = 0; turn < 2; turn++) {
                if (turn == 1 && rank == 1) {
                    Runtime.getRuntime().halt(0);
                }
                long begin = System.nanoTime();
                try {
                    op.start(0);
                    op.await();
                    bucket.read();
                } catch (RuntimeException e) {
                    System.out.println(e.getClass().getSimpleName() + ": " + e.getMessage());
                    System.out.println(System.nanoTime() - begin < 4e9 ? "soon" : "late");
                }
            }
        }
    }
}
