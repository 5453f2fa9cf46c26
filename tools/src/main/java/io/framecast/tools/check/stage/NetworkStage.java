package io.framecast.tools.check.stage;

import io.framecast.FramecastException;
import io.framecast.backend.Backend;
import io.framecast.backend.Convolutions;
import io.framecast.backend.Precision;
import io.framecast.backend.Tensor;
import io.framecast.data.MnistDigits;
import io.framecast.data.MovingMnist;
import io.framecast.data.Videos;
import io.framecast.device.Device;
import io.framecast.nn.ModelJson;
import io.framecast.predict.Forecaster;
import io.framecast.tools.check.golden.Difference;
import io.framecast.tools.check.golden.Golden;
import io.framecast.tools.check.golden.GoldenRecipe;
import io.framecast.tools.check.golden.GoldenTraining;
import io.framecast.tools.check.golden.OpScope;
import io.framecast.train.Checkpoint;
import io.framecast.train.StepMetrics;
import io.framecast.train.Trainer;
import io.framecast.train.TrainingSettings;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;

/**
 * Whole networks: twenty losses against float64's and the CPU's, forecasts against the CPU's; the same bits again, from
 * graphs and from plain launches, after a resume, and from two processes at once; and too little memory.
 */
final class NetworkStage {

    /** Relative, of losses in float32: twice what each device may be off from float64. */
    private static final double LOSS_FP32 = 4e-5;

    /** Relative, of losses in bfloat16 of two devices: roundings of sums that go the other way, over twenty steps. */
    private static final double LOSS_BF16 = 1e-3;

    /**
     * Absolute, of pixels from 0 to 1: ten frames, each drawn from the one before, whose float32 errors add up and are
     * made larger by the network at edges.
     */
    private static final double PIXELS = 1e-3;

    /** Gives the software device little memory; for a GPU there is no need. */
    private static final Map<String, String> LITTLE_MEMORY = Map.of("FRAMECAST_SOFTGPU", "memory=512m");

    /** Values of a tensor: 4 GiB and 16 MiB. */
    private static final long LARGEST = 1L << 30;
    private static final long SMALLEST = 1L << 22;

    private static final int VIDEOS = 4;
    private static final int CONTEXT = 10;
    private static final int STEPS = 20;
    private static final int STEPS_IF_SLOW = 4;

    private static final String KERAS_LIKE = """
            {"input": {"height": %1$d, "width": %1$d, "channels": 1}, "layers": [
             {"type": "ConvLSTM2D", "filters": %2$d, "kernel_size": 5, "padding": "same", "activation": "relu"},
             {"type": "BatchNormalization"},
             {"type": "ConvLSTM2D", "filters": %2$d, "kernel_size": 3, "padding": "same", "activation": "relu"},
             {"type": "BatchNormalization"},
             {"type": "ConvLSTM2D", "filters": %2$d, "kernel_size": 1, "padding": "same", "activation": "relu"},
             {"type": "Conv3D", "filters": 1, "kernel_size": 3, "activation": "sigmoid"}]}
            """;

    private final DeviceUnderTest device;
    private final StageLog log;

    private NetworkStage(DeviceUnderTest device, StageLog log) {
        this.device = device;
        this.log = log;
    }

    static void run(DeviceUnderTest device, StageLog log) {
        NetworkStage stage = new NetworkStage(device, log);
        stage.determinism();
        if (device.isCuda()) {
            stage.againstTheCpu();
        }
        stage.outOfMemory();
        stage.goldenLosses();
    }

    /** Launches what the stage launches in the backend's precision, whatever the results. */
    static void launch(DeviceUnderTest device, Backend backend) {
        for (Golden.Case c : GoldenTraining.cases()) {
            try (OpScope scope = new OpScope(backend)) {
                GoldenTraining.compareLosses(scope, c);
            }
        }
        Golden.Case c = GoldenRecipe.cases().get(0);
        try (OpScope scope = new OpScope(backend)) {
            GoldenRecipe.run(scope, c, GoldenRecipe.start(c), 0);
        }
        NetworkStage stage = new NetworkStage(device, null);
        losses(backend, stage.start(), stage.videos(), 2);
        if (backend.precision() == Precision.FP32) {
            forecast(backend, stage.start(), stage.videos());
            if (!stage.isSlow()) {
                forecast(backend, Checkpoint.pretrained("moving-mnist"), stage.videos());
            }
        }
    }

    private void goldenLosses() {
        for (Golden.Case c : GoldenTraining.cases()) {
            for (Precision precision : device.precisions()) {
                log.compare("twenty losses of network " + c + ", " + DeviceUnderTest.name(precision), () ->
                        device.on(precision, Convolutions.KERNELS, scope -> GoldenTraining.compareLosses(scope, c)));
            }
        }
    }

    private void determinism() {
        for (Precision precision : device.precisions()) {
            String name = DeviceUnderTest.name(precision);
            Golden.Case c = GoldenRecipe.cases().get(0);
            log.compare("the same bits again, " + name, () -> device.on(precision, Convolutions.KERNELS, scope ->
                    List.of(GoldenRecipe.compareBits("a second run",
                            GoldenRecipe.run(scope, c, GoldenRecipe.start(c), 0).last(),
                            GoldenRecipe.run(scope, c, GoldenRecipe.start(c), 0).last()))));
            log.compare("a resumed run goes on with the same bits, " + name, () ->
                    device.on(precision, Convolutions.KERNELS, scope -> {
                        GoldenRecipe.Run whole = GoldenRecipe.run(scope, c, GoldenRecipe.start(c), 0);
                        GoldenRecipe.Run part = GoldenRecipe.run(scope, c, GoldenRecipe.start(c),
                                whole.losses().size() / 2);
                        return List.of(GoldenRecipe.compareBits("the resumed run", whole.last(),
                                GoldenRecipe.run(scope, c, part.last(), 0).last()));
                    }));
        }
        if (device.isCuda()) {
            log.check("a graph and plain launches give the same bits", () -> requireSame(digest(Map.of()),
                    digest(Map.of("FRAMECAST_CUDA_GRAPHS", "off"))));
        }
        log.check("two processes at once give the same bits", () -> {
            CompletableFuture<ChildProcess.Ended> other = CompletableFuture.supplyAsync(() -> digest(Map.of()));
            ChildProcess.Ended one = digest(Map.of());
            for (ChildProcess.Ended ended : List.of(one, other.join())) {
                if (ended.failure() != null && ended.output().contains("compute mode")) {
                    StageLog.skip("the GPU's compute mode lets one process use it at a time");
                }
            }
            requireSame(one, other.join());
        });
    }

    /** A process of this program that prints the digest of its training. */
    private ChildProcess.Ended digest(Map<String, String> environment) {
        return ChildProcess.run(device.program().command("check-stage", "digest",
                "--device", device.option()), environment, Math.max(20, log.secondsLeft()));
    }

    private static void requireSame(ChildProcess.Ended one, ChildProcess.Ended other) {
        String expected = lastLine(one);
        String actual = lastLine(other);
        if (!expected.equals(actual)) {
            throw new FramecastException("The weights differ: SHA-256 " + expected + " and " + actual + ".");
        }
    }

    private static String lastLine(ChildProcess.Ended ended) {
        if (ended.failure() != null) {
            throw new FramecastException("Another process on the device " + ended.failure() + ".");
        }
        return ended.output().strip().replaceFirst("(?s).*\\n", "");
    }

    private void againstTheCpu() {
        DeviceUnderTest cpu = new DeviceUnderTest(Device.CPU, device.program());
        Checkpoint start = start();
        Videos videos = videos();
        for (Precision precision : List.of(Precision.FP32, Precision.BF16)) {
            log.compare("losses like the CPU's, " + DeviceUnderTest.name(precision), () -> compare(cpu, precision,
                    "losses", (d, p) -> losses(d, p, start, videos, isSlow() ? STEPS_IF_SLOW : STEPS),
                    precision == Precision.FP32 ? LOSS_FP32 : LOSS_BF16));
        }
        log.compare("forecasts like the CPU's, fp32", () -> compare(cpu, Precision.FP32, "pixels",
                (d, p) -> forecast(d, p, start, videos), PIXELS));
        if (!isSlow()) {
            log.compare("forecasts of moving-mnist like the CPU's, fp32", () -> compare(cpu, Precision.FP32, "pixels",
                    (d, p) -> forecast(d, p, Checkpoint.pretrained("moving-mnist"), videos), PIXELS));
        }
    }

    /** The software device runs about a thousandth as fast as a GPU. */
    private boolean isSlow() {
        return device.device() == Device.SOFTGPU;
    }

    private Checkpoint start() {
        return Checkpoint.initial(ModelJson.parse(KERAS_LIKE.formatted(isSlow() ? MovingMnist.SIZE / 4
                : MovingMnist.SIZE, isSlow() ? 4 : 16), "the check's model"), 1);
    }

    private Videos videos() {
        Videos full = MovingMnist.test(MnistDigits.bundled(), VIDEOS, 1);
        return isSlow() ? quarter(full) : full;
    }

    private interface Figures {
        double[] on(DeviceUnderTest device, Precision precision);
    }

    private List<Difference> compare(DeviceUnderTest cpu, Precision precision, String what, Figures figures,
            double bound) {
        double[] expected;
        try {
            expected = figures.on(cpu, precision);
        } catch (FramecastException e) {
            StageLog.skip("the CPU cannot be used: " + e.getMessage());
            return List.of();
        }
        double[] actual = figures.on(device, precision);
        List<Difference> differences = new ArrayList<>();
        for (int k = 0; k < expected.length; k++) {
            differences.add(Difference.of(what + " " + k, expected[k], actual[k],
                    what.equals("losses") ? bound * expected[k] : bound));
        }
        return differences;
    }

    private static double[] losses(DeviceUnderTest device, Precision precision, Checkpoint start, Videos videos,
            int steps) {
        try (Backend backend = device.open(precision, Convolutions.KERNELS)) {
            return losses(backend, start, videos, steps);
        }
    }

    /** Of steps of a whole training, two videos each. */
    private static double[] losses(Backend backend, Checkpoint start, Videos videos, int steps) {
        int batch = 2;
        TrainingSettings settings = TrainingSettings.builder().batchSize(batch).shuffle(false)
                .epochs(steps * batch / videos.count()).build();
        return Trainer.fit(backend, start, videos, videos.slice(0, 1), settings).steps().stream()
                .mapToDouble(StepMetrics::loss).toArray();
    }

    private static double[] forecast(DeviceUnderTest device, Precision precision, Checkpoint checkpoint,
            Videos videos) {
        try (Backend backend = device.open(precision, Convolutions.KERNELS)) {
            return forecast(backend, checkpoint, videos);
        }
    }

    /** All pixels of ten frames predicted from ten, of two videos. */
    private static double[] forecast(Backend backend, Checkpoint checkpoint, Videos videos) {
        List<float[]> frames = new ArrayList<>();
        try (Forecaster forecaster = Forecaster.open(backend, checkpoint, 2)) {
            forecaster.forecast(videos, new int[] {0, 1}, CONTEXT, CONTEXT,
                    (index, frame, values) -> frames.add(values));
        }
        double[] pixels = new double[frames.size() * frames.get(0).length];
        for (int k = 0; k < pixels.length; k++) {
            pixels[k] = frames.get(k / frames.get(0).length)[k % frames.get(0).length];
        }
        return pixels;
    }

    /** The videos with every fourth pixel of each direction. */
    private static Videos quarter(Videos videos) {
        int size = videos.height() / 4;
        float[] values = new float[videos.count() * videos.frames() * size * size];
        int to = 0;
        for (int k = 0; k < videos.count(); k++) {
            float[] video = videos.get(k).values();
            for (int row = 0; row < videos.frames() * videos.height(); row += 4) {
                for (int column = 0; column < videos.width(); column += 4) {
                    values[to++] = video[row * videos.width() + column];
                }
            }
        }
        return Videos.of(values, videos.count(), videos.frames(), size, size, 1);
    }

    /** In a process of its own: what fails there does not take this one's memory. */
    private void outOfMemory() {
        log.check("out of memory: a clear message, and the device works afterwards", () -> {
            if (!device.isCuda()) {
                StageLog.skip("not tried on the CPU");
            }
            ChildProcess.Ended ended = ChildProcess.run(device.program().command("check-stage", "memory",
                    "--device", device.option()), LITTLE_MEMORY, Math.max(20, log.secondsLeft()));
            if (ended.failure() != null) {
                throw new FramecastException("The process that takes all memory " + ended.failure() + ".");
            }
        });
    }

    /** Takes memory until there is no more, which must be said; gives it back, and trains. */
    static void takeAllMemory(DeviceUnderTest device) {
        try (Backend backend = device.open(Precision.FP32, Convolutions.KERNELS);
                OpScope scope = new OpScope(backend)) {
            String said = null;
            for (long size = LARGEST; size >= SMALLEST; size /= 2) {
                said = takeUntilFull(scope, size);
            }
            if (!said.contains("are free")) {
                throw new FramecastException("A message does not say how much memory is free: " + said);
            }
            scope.closeMade();
            Golden.Case c = GoldenTraining.cases().get(0);
            Difference worst = GoldenTraining.compareFirstStep(scope, c).stream().filter(one -> !one.isWithin())
                    .findFirst().orElse(null);
            if (worst != null) {
                throw new FramecastException("After memory was full and was given back, a training step is wrong: "
                        + worst + ".");
            }
        }
    }

    /** Takes memory in tensors of a size until there is no more; returns the message that says so. */
    private static String takeUntilFull(OpScope scope, long size) {
        while (true) {
            Tensor tensor = scope.get().tensor(size);
            try {
                tensor.read(0, new float[1], 0, 1); // Memory is taken at the first use.
                scope.own(tensor);
            } catch (FramecastException e) {
                tensor.close();
                return e.getMessage();
            }
        }
    }
}
