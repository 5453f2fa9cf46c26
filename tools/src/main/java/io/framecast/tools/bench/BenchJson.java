package io.framecast.tools.bench;

import io.framecast.backend.Ceilings;
import io.framecast.backend.OpCost;
import io.framecast.nn.ModelConfig;
import io.framecast.tools.bench.Part.Kind;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** The figures of a benchmark for JSON, per video, in the units of their names; NaN if unknown. */
public final class BenchJson {

    private BenchJson() {
    }

    public static Map<String, Object> of(BenchResult result, ModelConfig model) {
        Ceilings ceilings = result.ceilings();
        StepAccount account = result.account();
        Map<String, Object> map = new LinkedHashMap<>();
        map.put("model", result.model());
        map.put("device", result.device());
        map.put("precision", result.precision().name().toLowerCase(Locale.ROOT));
        map.put("threads", result.threads().isPresent() ? result.threads().getAsInt() : null);
        map.put("batch_size", result.batch());
        map.put("frames", result.frames());
        map.put("steps", result.steps());
        map.put("seconds_per_video", result.seconds());
        map.put("gflop_per_video", result.flop() / 1e9);
        map.put("gflops", result.flop() / result.seconds() / 1e9);
        map.put("mb_per_video", result.bytes() / 1e6);
        map.put("matmul_gflops", ceilings.matmul() / 1e9);
        map.put("matmul_gflops_fp32", ceilings.matmulFp32() / 1e9);
        map.put("matmul_gflops_bf16", ceilings.matmulBf16() / 1e9);
        map.put("copy_gbs", ceilings.copy() / 1e9);
        map.put("of_matmul", result.flop() / result.seconds() / ceilings.matmul());
        map.put("of_copy", result.bytes() / result.seconds() / ceilings.copy());
        map.put("peak_rss_bytes", result.peakRss().isPresent() ? result.peakRss().getAsLong() : null);
        map.put("device_bytes", result.deviceBytes());
        map.put("profiled_seconds", account.seconds());
        map.put("forward_seconds", account.seconds(StepAccount.FORWARD));
        map.put("backward_seconds", account.seconds(StepAccount.BACKWARD));
        map.put("optimiser_seconds", account.seconds(StepAccount.OPTIMISER));
        map.put("layers", layers(account, model));
        for (Part part : account.parts()) {
            if (part.layer() < 0) {
                map.put(part.name(), of(part));
            }
        }
        map.put("rollout", result.rollout().stream().map(BenchJson::of).toList());
        return map;
    }

    private static List<Map<String, Object>> layers(StepAccount account, ModelConfig model) {
        List<Map<String, Object>> layers = new ArrayList<>();
        for (int k = 0; k < model.layers().size(); k++) {
            Map<String, Object> layer = new LinkedHashMap<>();
            layer.put("index", k);
            layer.put("type", model.layers().get(k).type());
            for (Part part : account.parts()) {
                if (part.layer() == k) {
                    layer.put(part.kind() == Kind.FORWARD ? "forward" : "backward", of(part));
                }
            }
            layers.add(layer);
        }
        return layers;
    }

    private static Map<String, Object> of(Part part) {
        Map<String, Object> map = new LinkedHashMap<>();
        map.put("seconds", part.seconds());
        map.put("gflop", part.flop() / 1e9);
        map.put("mb", part.bytes() / 1e6);
        map.put("ops", part.ops().stream().map(BenchJson::of).toList());
        return map;
    }

    private static Map<String, Object> of(OpCost op) {
        Map<String, Object> map = new LinkedHashMap<>();
        map.put("op", op.op());
        map.put("seconds", op.seconds());
        map.put("gflop", op.flop() / 1e9);
        map.put("mb", op.bytes() / 1e6);
        return map;
    }

    private static Map<String, Object> of(RolloutBench.Figures rollout) {
        Map<String, Object> map = new LinkedHashMap<>();
        map.put("batch_size", rollout.batch());
        map.put("seconds", rollout.seconds());
        map.put("frames_per_second", rollout.framesPerSecond());
        return map;
    }

    /** The table of {@code --scaling}. */
    public static List<Map<String, Object>> of(List<ScalingBench.Row> rows) {
        List<Map<String, Object>> list = new ArrayList<>();
        for (ScalingBench.Row row : rows) {
            Map<String, Object> map = new LinkedHashMap<>();
            map.put("varied", row.varied());
            map.put("value", row.value());
            map.put("batch_size", ScalingBench.BATCH);
            map.put("seconds_per_video", row.seconds());
            map.put("gflop_per_video", row.flop() / 1e9);
            map.put("gflops", row.flop() / row.seconds() / 1e9);
            map.put("failure", row.failure());
            list.add(map);
        }
        return list;
    }
}
