package io.framecast.tools;

import io.framecast.backend.Backend;
import io.framecast.data.Videos;
import io.framecast.files.JsonFiles;
import io.framecast.predict.ForecastScores;
import io.framecast.predict.Forecaster;
import io.framecast.predict.NotFiniteException;
import io.framecast.tools.distributed.Processes;
import io.framecast.tools.distributed.SharedCommand;
import io.framecast.tools.option.CheckpointName;
import io.framecast.tools.option.DataOptions;
import io.framecast.tools.option.DeviceOptions;
import io.framecast.tools.option.Options;
import io.framecast.train.Checkpoint;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(name = "evaluate", description = "Scores forecasts against the truth, beside repeating the last seen frame.")
final class EvaluateCommand implements Runnable, SharedCommand {

    @Mixin
    DataOptions data;

    @Mixin
    DeviceOptions device;

    @Option(names = "--checkpoint", paramLabel = "CKPT|NAME", required = true, description = CheckpointName.MODEL)
    Path checkpoint;

    @Option(names = "--context", paramLabel = "N", defaultValue = "10",
            description = "How many frames of each video the model sees. Default: ${DEFAULT-VALUE}.")
    int context;

    @Option(names = "--frames", paramLabel = "N",
            description = "How many frames to predict. Default: those that follow, ten at most.")
    Integer frames;

    @Option(names = "--seed", paramLabel = "N", defaultValue = "1",
            description = "Of generated videos. Default: ${DEFAULT-VALUE}.")
    long seed;

    @Option(names = "--json", paramLabel = "FILE", description = "Write the scores there, too.")
    Path json;

    @Override
    public void run() {
        Options.require(context >= 1, "--context must be at least 1, not " + context + ".");
        Options.require(frames == null || frames >= 1, "--frames must be at least 1, not " + frames + ".");
        Options.requireApart("--checkpoint", CheckpointName.file(checkpoint), "--json", json);
        Options.requireApart("--data", data.file(), "--json", json);
        Options.requireApart("--digits", data.digits, "--json", json);
        Options.requireWritable(json);
        Checkpoint model = CheckpointName.read(checkpoint);
        try (Backend backend = device.open(); Videos videos = data.open(seed,
                data.wanted(context, frames, model.model().input()))) {
            DataOptions.requireFrames(videos, data.data, model.model().input());
            int predicted = data.comparable(videos, context, frames);
            Processes.requireSame(model, videos, context + " " + predicted);
            if (Processes.isFirst()) {
                data.check(context + predicted);
            }
            try (Forecaster forecaster = Forecaster.open(backend, model)) {
                Forecaster.Evaluation evaluation = forecaster.evaluate(videos, context, predicted,
                        Processes.group());
                System.out.print(ScoreTable.of(evaluation));
                if (json != null && Processes.isFirst()) {
                    JsonFiles.write(json, toMap(evaluation));
                }
            } catch (NotFiniteException e) {
                throw e.withAdvice(predicted == 1 ? "Use another checkpoint."
                        : "Predict fewer --frames, or use another checkpoint.");
            }
        }
    }

    private static Map<String, Object> toMap(Forecaster.Evaluation evaluation) {
        Map<String, Object> map = new LinkedHashMap<>();
        map.put("videos", evaluation.model().videos());
        map.put("context", evaluation.context());
        map.put("frames", evaluation.frames());
        map.put("model", toMap(evaluation.model()));
        map.put("repeat_last_frame", toMap(evaluation.baseline()));
        // Null if the baseline has no error: the ratio is undefined.
        map.put("mse_reduction", evaluation.model().mse().reductionFrom(evaluation.baseline().mse()));
        return map;
    }

    private static Map<String, Object> toMap(ForecastScores.Result result) {
        Map<String, Object> map = new LinkedHashMap<>();
        map.put("mse", toMap(result.mse()));
        map.put("mae", toMap(result.mae()));
        map.put("psnr", toMap(result.psnr()));
        map.put("ssim", toMap(result.ssim()));
        map.put("ssim_uniform7", toMap(result.uniformSsim()));
        map.put("ssim_uniform7_range2", toMap(result.wideRangeSsim()));
        map.put("frames_without_error", result.exact());
        return map;
    }

    private static Map<String, Object> toMap(ForecastScores.Metric metric) {
        Map<String, Object> map = new LinkedHashMap<>();
        map.put("mean", metric.mean());
        map.put("per_frame", metric.perFrame());
        return map;
    }
}
