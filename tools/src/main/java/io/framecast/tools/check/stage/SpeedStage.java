package io.framecast.tools.check.stage;

import io.framecast.FramecastException;
import io.framecast.backend.Backend;
import io.framecast.backend.Ceilings;
import io.framecast.backend.Convolutions;
import io.framecast.backend.Precision;
import io.framecast.device.Device;
import io.framecast.nn.ModelConfig;
import io.framecast.nn.Models;
import io.framecast.tools.bench.BenchResult;
import io.framecast.tools.model.StepModel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Training steps of the preset keras, kernel by kernel, beside what the device can do at its best, measured in the same
 * process.
 */
final class SpeedStage {

    private static final String MODEL = "keras";
    private static final int FRAMES = 19;

    /** Of the Keras example. The CPU, about a hundredth as fast as a GPU, takes one video. */
    private static final int BATCH = 5;
    private static final int BATCH_ON_CPU = 1;

    private static final int STEPS = 10;
    private static final int STEPS_ON_CPU = 1;

    private SpeedStage() {
    }

    static void run(DeviceUnderTest device, StageLog log, Path directory) {
        ModelConfig model = Models.load(MODEL);
        int batch = device.isCuda() ? BATCH : BATCH_ON_CPU;
        List<List<String>> steps = new ArrayList<>();
        Map<Precision, BenchResult> results = new EnumMap<>(Precision.class);
        for (Precision precision : device.precisions()) {
            log.check("speed in " + DeviceUnderTest.name(precision), () -> {
                BenchResult result;
                try (Backend backend = device.openOrSkip(precision, Convolutions.KERNELS)) {
                    result = BenchResult.measure(backend, MODEL, model, FRAMES, batch,
                            device.isCuda() ? STEPS : STEPS_ON_CPU);
                }
                double ceiling = result.ceilings().matmul();
                Optional<Double> vendor = device.isCuda() ? vendorProduct(device, precision) : Optional.empty();
                steps.add(row(device, precision, result, vendor.orElse(ceiling)));
                results.put(precision, result);
                if (!Double.isFinite(result.seconds()) || result.seconds() <= 0) {
                    throw new FramecastException("The time of a step is " + result.seconds() + " s.");
                }
            });
        }
        log.table("Steps of " + MODEL, ("Batch of %d, %d input frames; medians. The ceiling is a large matrix product, "
                + "by cuBLAS where there is one, else by this project's kernels (on the CPU by oneDNN).")
                .formatted(batch, FRAMES), List.of("precision", "ms a step", "s an epoch of " + StepModel.EPOCH_VIDEOS
                + " videos", "TFLOP/s", "ceiling, TFLOP/s", "own product, TFLOP/s", "achieved of the ceiling",
                "copy, GB/s", "memory, GB", "predicted frames/s"), steps);
        if (device.isCuda()) { // The model takes the time that all measurements have left.
            results.forEach((precision, result) -> kernels(log, precision, result,
                    modelled(device, precision, result, directory, log.secondsLeft())));
        }
    }

    /** Launches what the stage launches in the backend's precision, whatever the results. */
    static void launch(DeviceUnderTest device, Backend backend) {
        if (device.device() == Device.CUDA) {
            BenchResult.measure(backend, MODEL, Models.load(MODEL), FRAMES, BATCH, 1);
        }
    }

    private static List<String> row(DeviceUnderTest device, Precision precision, BenchResult result, double ceiling) {
        double rate = result.flop() / result.seconds();
        Ceilings measured = result.ceilings();
        return List.of(DeviceUnderTest.name(precision), Table.number("%.3f", 1e3 * result.batch() * result.seconds()),
                Table.number("%.2f", StepModel.EPOCH_VIDEOS * result.seconds()), Table.number("%.2f", rate / 1e12),
                Table.number("%.2f", ceiling / 1e12), Table.number("%.2f", measured.matmul() / 1e12),
                Table.number("%.1f%%", 100 * rate / ceiling), Table.number("%.0f", measured.copy() / 1e9),
                Table.number("%.2f", result.deviceBytes() / 1e9),
                Table.number("%.0f", result.rollout().get(result.rollout().size() - 1).framesPerSecond()));
    }

    /** The rate of cuBLAS's product; empty if it is not there. */
    private static Optional<Double> vendorProduct(DeviceUnderTest device, Precision precision) {
        try (Backend backend = device.open(precision, Convolutions.VENDOR)) {
            return Optional.of(backend.measureCeilings().matmul());
        } catch (FramecastException e) {
            return Optional.empty();
        }
    }

    /** Empty: there is no model of this GPU, or it did not end in time. */
    private static Optional<ModelledStep> modelled(DeviceUnderTest device, Precision precision, BenchResult result,
            Path directory, double seconds) {
        try {
            return ModelledStep.of(result.device(), device.program(), MODEL, result.batch(),
                    DeviceUnderTest.name(precision), directory, Math.max(1, seconds));
        } catch (FramecastException e) {
            return Optional.empty();
        }
    }

    private static void kernels(StageLog log, Precision precision, BenchResult result,
            Optional<ModelledStep> modelled) {
        Map<String, Double> seconds = new LinkedHashMap<>();
        result.account().parts().forEach(part -> part.ops().forEach(op ->
                seconds.merge(op.op(), result.batch() * op.seconds(), Double::sum)));
        double all = seconds.values().stream().mapToDouble(Double::doubleValue).sum();
        log.table("Kernels, " + DeviceUnderTest.name(precision), ("A step of %s, batch of %d, launch by launch: %s of "
                + "kernels, by events around each; %s").formatted(MODEL, result.batch(),
                Table.number("%.3f ms", 1e3 * all),
                modelled.map(step -> Table.number("%.3f ms are modelled.", 1e3 * step.seconds()))
                        .orElse("there is no model of this GPU.")),
                List.of("kernel", "ms a step", "share of the kernels", "modelled ms"),
                seconds.entrySet().stream().sorted(Map.Entry.<String, Double>comparingByValue().reversed())
                        .map(one -> List.of(one.getKey(), Table.number("%.4f", 1e3 * one.getValue()),
                                Table.number("%.1f%%", 100 * one.getValue() / all), Table.number("%.4f", 1e3 * modelled
                                        .map(step -> step.kernels().getOrDefault(one.getKey(), Double.NaN))
                                        .orElse(Double.NaN)))).toList());
    }
}
