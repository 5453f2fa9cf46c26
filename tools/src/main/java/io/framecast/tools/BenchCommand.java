package io.framecast.tools;

import io.framecast.backend.Backend;
import io.framecast.backend.Convolutions;
import io.framecast.backend.Precision;
import io.framecast.data.MovingMnist;
import io.framecast.device.Device;
import io.framecast.device.sampling.SampledGpu;
import io.framecast.files.JsonFiles;
import io.framecast.nn.ModelConfig;
import io.framecast.nn.Models;
import io.framecast.tools.bench.BenchJson;
import io.framecast.tools.bench.BenchResult;
import io.framecast.tools.bench.BenchText;
import io.framecast.tools.bench.DataParallelBench;
import io.framecast.tools.bench.SampledStep;
import io.framecast.tools.bench.ScalingBench;
import io.framecast.tools.distributed.Processes;
import io.framecast.tools.distributed.SharedCommand;
import io.framecast.tools.model.GpuRates;
import io.framecast.tools.model.ModelJson;
import io.framecast.tools.model.ModelText;
import io.framecast.tools.model.StepModel;
import io.framecast.tools.option.DeviceOptions;
import io.framecast.tools.option.Options;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

@Command(name = "bench", description = "Measures training steps, layer by layer and op by op, beside what the machine "
        + "can do at most; and rollout.")
final class BenchCommand implements Runnable, SharedCommand {

    /** Input frames: those of a Moving MNIST video without the last, which is only a target. */
    private static final int FRAMES = MovingMnist.FRAMES - 1;

    @Mixin
    DeviceOptions device;

    @Option(names = "--model", paramLabel = "NAME|FILE", defaultValue = "keras",
            description = "keras, small, motion, motion-large, or a file of model JSON. Default: ${DEFAULT-VALUE}.")
    String model;

    @Option(names = "--batch-size", paramLabel = "N", defaultValue = "5",
            description = "Videos a step. Default: ${DEFAULT-VALUE}.")
    int batch;

    @Option(names = "--steps", paramLabel = "N", defaultValue = "3",
            description = "Steps to measure at least, after two to warm up; the median counts. Half as many more are "
                    + "taken apart. Default: ${DEFAULT-VALUE}.")
    int steps;

    @Option(names = "--scaling", description = "Also measure how the cost of a step grows with frames, size, filters "
            + "and threads: some minutes, with keras.")
    boolean scaling;

    @Option(names = "--processes", description = "Started by mpirun: measure instead how training scales over its "
            + "processes, and what it waits for.")
    boolean processes;

    @Option(names = "--local-batch-norm", description = "With --processes: as in train.")
    boolean localBatchNorm;

    @Option(names = "--json", paramLabel = "FILE", description = "Write the figures there, too.")
    Path json;

    @Option(names = "--peer", paramLabel = "NAME",
            description = "Compare with another engine on the CPU: pytorch. In fp32 and bf16, unless --precision says.")
    String peer;

    @Option(names = "--as", paramLabel = "GPU",
            description = "Model the time of a step on a GPU that is not there: h100, a100 or rtx4090. With --device "
                    + "softgpu, which counts what some blocks of each launch do.")
    GpuRates as;

    @Spec
    CommandSpec spec;

    @Override
    public void run() {
        Options.require(batch >= 1, "--batch-size must be at least 1, not " + batch + ".");
        Options.require(steps >= 1, "--steps must be at least 1, not " + steps + ".");
        Options.requireApart("--model", Path.of(model), "--json", json);
        Options.requireWritable(json);
        ModelConfig config = Models.load(model);
        config.requireFramesToFrames();
        if (as != null) {
            model(config);
            return;
        }
        if (processes) {
            measureProcesses(config);
            return;
        }
        Options.require(Processes.group().size() == 1, "bench measures one process; start it without mpirun, or "
                + "measure several together by --processes.");
        PeerComparison comparison = peer == null ? null
                : new PeerComparison(PeerComparison.find(peer), device, config, batch, steps);
        Map<String, Object> figures;
        try (Backend backend = device.open()) {
            BenchResult result = BenchResult.measure(backend, model, config, FRAMES, batch, steps);
            System.out.print(BenchText.of(result, config));
            figures = BenchJson.of(result, config);
            if (scaling) {
                List<ScalingBench.Row> rows = new ScalingBench(backend, steps).run(config, FRAMES, device::cpu);
                System.out.print(BenchText.of(rows));
                figures.put("scaling", BenchJson.of(rows));
            }
        }
        if (comparison != null) {
            boolean one = spec.commandLine().getParseResult().hasMatchedOption("--precision");
            figures.put("peer", comparison.run(one ? List.of(device.precision)
                    : List.of(Precision.FP32, Precision.BF16)));
        }
        if (json != null) {
            JsonFiles.write(json, figures);
        }
    }

    private void measureProcesses(ModelConfig config) {
        int count = Processes.group().size();
        Options.require(count > 1, "--processes measures those that mpirun starts; start it as: mpirun -n 2 framecast "
                + "bench --processes.");
        Options.require(!scaling && peer == null, "--processes measures nothing else; leave --scaling and --peer out.");
        Options.require(batch % count == 0, "--batch-size must be a multiple of the " + count + " processes, not "
                + batch + ".");
        try (Backend backend = device.open(localBatchNorm)) {
            DataParallelBench result = DataParallelBench.measure(backend, device::openAlone, config, FRAMES, batch,
                    steps);
            if (Processes.isFirst()) {
                System.out.print(result.text());
                if (json != null) {
                    JsonFiles.write(json, result.json());
                }
            }
        }
    }

    /** Models the time of a step instead of measuring one. */
    private void model(ModelConfig config) {
        Options.require(device.device == Device.SOFTGPU, "--as models a GPU with --device softgpu; add that.");
        Options.require(device.convolutions == Convolutions.KERNELS,
                "--as models this project's kernels, and nothing is known of the vendor's; leave --conv out.");
        boolean stepsGiven = spec.commandLine().getParseResult().hasMatchedOption("--steps");
        Options.require(!scaling && peer == null && !stepsGiven,
                "--as models one step; leave --scaling, --peer and --steps out.");
        SampledStep counted;
        try (SampledGpu gpu = device.openAs(as.computeCapability(), as.memoryBytes())) {
            counted = SampledStep.count(gpu, config, FRAMES, batch);
        }
        StepModel step = StepModel.of(model, as, device.precision, batch, FRAMES, counted.flop(), counted.launches());
        System.out.print(ModelText.of(step));
        if (json != null) {
            JsonFiles.write(json, ModelJson.of(step));
        }
    }
}
