package io.framecast.tools.bundle;

import io.framecast.FramecastException;
import io.framecast.backend.Backend;
import io.framecast.backend.Precision;
import io.framecast.data.MnistDigits;
import io.framecast.data.MovingMnist;
import io.framecast.device.Device;
import io.framecast.device.bundle.NeededKernels;
import io.framecast.nn.FrameShape;
import io.framecast.nn.ModelConfig;
import io.framecast.nn.Models;
import io.framecast.predict.Forecaster;
import io.framecast.tools.check.stage.DeviceUnderTest;
import io.framecast.tools.check.stage.Stage;
import io.framecast.tools.option.Remedies;
import io.framecast.train.Checkpoint;
import io.framecast.train.Trainer;
import io.framecast.train.TrainingSettings;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;
import java.util.stream.IntStream;

/**
 * Compiles the kernels of a bundle: {@code BundledKernels DIR all|slim|few}. All are machine code and PTX for the batch
 * sizes that the presets come with and for forecasts, and PTX for another batch size. Slim is the PTX of the former,
 * which the driver compiles at the first use. Few, for tests, is that of one forecast.
 *
 * <p>{@link #works} is the place for more work whose kernels are to be in the bundle.
 */
public final class BundledKernels {

    /** The batch size of trainings beside that of the preset. */
    private static final int BATCH = 16;
    /** Videos that are forecast at once: alone, and as {@link Forecaster#videosAtOnce} says. */
    private static final List<Integer> FORECASTS = List.of(1, 10);

    private BundledKernels() {
    }

    /** Writes the images, and says how many there are. */
    public static void main(String[] args) {
        try {
            NeededKernels kernels = needed(args[1]);
            System.err.println("framecast: kernels to compile: " + kernels.count());
            long bytes = kernels.compile(Path.of(args[0]), (done, all) -> {
                if (done % 100 == 0 || done == all) {
                    System.err.println("framecast: compiled " + done + " of " + all);
                }
            });
            System.err.printf(Locale.ROOT, "framecast: %.0f MB of kernels%n", bytes / 1e6);
            System.exit(0); // The software device's threads may be waiting.
        } catch (FramecastException e) {
            System.err.println("framecast: " + Remedies.sentence(e));
            System.exit(1);
        }
    }

    private static NeededKernels needed(String which) {
        NeededKernels kernels = new NeededKernels();
        if (which.equals("few")) {
            kernels.addPtx(Precision.FP32,
                    backend -> forecast(backend, Checkpoint.pretrained("moving-mnist"), FORECASTS.get(1)));
            return kernels;
        }
        boolean slim = which.equals("slim");
        for (Precision precision : Precision.values()) {
            addCheck(kernels, precision);
            for (Consumer<Backend> work : works()) {
                if (slim) {
                    kernels.addPtx(precision, work);
                } else {
                    kernels.add(precision, work);
                }
            }
            if (!slim) {
                for (String preset : Models.PRESETS) {
                    kernels.addPtx(precision,
                            backend -> train(backend, preset, settings(preset).batchSize(BATCH).build()));
                }
            }
        }
        return kernels;
    }

    /** What the check of a GPU, and of the software device, launches. */
    private static void addCheck(NeededKernels kernels, Precision precision) {
        for (Device device : List.of(Device.CUDA, Device.SOFTGPU)) {
            kernels.addPtx(precision, backend -> Stage.launch(new DeviceUnderTest(device, null), backend));
        }
        kernels.addVendorPtx(precision, Stage::launchVendor);
    }

    /** What users do, small. */
    private static List<Consumer<Backend>> works() {
        List<Consumer<Backend>> works = new ArrayList<>();
        for (String preset : Models.PRESETS) {
            works.add(backend -> train(backend, preset, settings(preset).build()));
            for (int videos : FORECASTS) {
                works.add(backend -> forecast(backend, checkpoint(preset), videos));
            }
        }
        // The parts of a recipe, which any preset may be trained with.
        works.add(backend -> train(backend, "small", settings("motion").batchSize(own("small")).build()));
        return works;
    }

    private static int own(String preset) {
        return settings(preset).build().batchSize();
    }

    private static TrainingSettings.Builder settings(String preset) {
        return TrainingSettings.builder(preset).epochs(1).steps(1);
    }

    private static Checkpoint checkpoint(String preset) {
        ModelConfig model = Models.load(preset, new FrameShape(MovingMnist.SIZE, MovingMnist.SIZE, 1));
        return Checkpoint.initial(model, 1);
    }

    private static void train(Backend backend, String preset, TrainingSettings settings) {
        MovingMnist training = MovingMnist.training(settings.batchSize(), 1);
        Trainer.fit(backend, checkpoint(preset), training,
                MovingMnist.validation(MnistDigits.bundled(), settings.batchSize(), 1), settings);
    }

    private static void forecast(Backend backend, Checkpoint checkpoint, int videos) {
        MovingMnist seen = MovingMnist.training(videos, 1);
        try (Forecaster forecaster = Forecaster.open(backend, checkpoint, videos)) {
            forecaster.forecast(seen, IntStream.range(0, videos).toArray(), 2, 2, (video, frame, values) -> { });
        }
    }
}
