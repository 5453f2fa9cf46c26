package io.framecast.tools.check.stage;

import io.framecast.backend.Activation;
import io.framecast.backend.Backend;
import io.framecast.backend.Convolutions;
import io.framecast.backend.DataParallel;
import io.framecast.backend.OpCost;
import io.framecast.backend.Precision;
import io.framecast.tools.check.golden.Difference;
import io.framecast.tools.check.golden.Golden;
import io.framecast.tools.check.golden.GoldenAdam;
import io.framecast.tools.check.golden.GoldenBatchNorm;
import io.framecast.tools.check.golden.GoldenBlockMatching;
import io.framecast.tools.check.golden.GoldenConv3d;
import io.framecast.tools.check.golden.GoldenConvLstm;
import io.framecast.tools.check.golden.GoldenLayeredAdvection;
import io.framecast.tools.check.golden.GoldenLayers;
import io.framecast.tools.check.golden.GoldenLoss;
import io.framecast.tools.check.golden.GoldenMuon;
import io.framecast.tools.check.golden.GoldenRecipe;
import io.framecast.tools.check.golden.GoldenTraining;
import io.framecast.tools.check.golden.OpScope;
import io.framecast.tools.check.golden.Tolerance;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.BiFunction;
import java.util.function.Function;

/** Every op, in every precision that it has, against the golden values. */
final class KernelStage {

    private record Case(String name, Precision precision, DataParallel processes,
            Function<OpScope, List<Difference>> comparison) {
    }

    private static final DataParallel SEVERAL = new DataParallel(new EchoGroup(), false);
    private static final Set<Activation> SMOOTH = Set.of(Activation.TANH, Activation.SIGMOID, Activation.LINEAR);
    private static final List<Boolean> ALL_GRADIENTS = List.of(true, true, true, true);

    private final DeviceUnderTest device;
    private final StageLog log;

    /** The kernels that were launched, by name; empty on the CPU. */
    private final Set<String> launched = new TreeSet<>();

    private KernelStage(DeviceUnderTest device, StageLog log) {
        this.device = device;
        this.log = log;
    }

    static void run(DeviceUnderTest device, StageLog log) {
        KernelStage stage = new KernelStage(device, log);
        inTurns(stage.ops()).forEach(c -> log.compare(c.name + ", " + DeviceUnderTest.name(c.precision),
                () -> device.on(c.precision, Convolutions.KERNELS, c.processes,
                        scope -> stage.compare(scope, c.comparison))));
        if (device.isCuda()) {
            log.table("Kernels that ran", stage.launched.size() + " kernels of this project were launched here.",
                    List.of("kernel"), stage.launched.stream().map(List::of).toList());
        }
    }

    /** Launches what the stage launches in the backend's precision and processes, whatever the results. */
    static void launch(DeviceUnderTest device, Backend backend) {
        inTurns(new KernelStage(device, null).ops()).stream().filter(c -> c.precision == backend.precision()
                && c.processes.equals(backend.dataParallel())).forEach(c -> {
                    try (OpScope scope = new OpScope(backend)) {
                        c.comparison.apply(scope);
                    }
                });
    }

    private List<Difference> compare(OpScope scope, Function<OpScope, List<Difference>> comparison) {
        Backend backend = scope.get();
        backend.setProfiling(true);
        List<Difference> differences = comparison.apply(scope);
        if (device.isCuda()) {
            backend.takeProfile().stream().map(OpCost::op).forEach(launched::add);
        }
        return differences;
    }

    /** The cases of each kind. */
    private List<List<Case>> ops() {
        List<List<Case>> kinds = new ArrayList<>();
        kinds.add(List.of(new Case("Adam", Precision.FP32, DataParallel.NONE, GoldenAdam::compare)));
        kinds.add(of("ConvLSTM2D", "conv_lstm", Precision.FP32,
                (scope, c) -> GoldenConvLstm.compare(scope, c, 0, Tolerance.FP32)));
        kinds.add(of("Conv3D", "conv3d", Precision.FP32,
                (scope, c) -> GoldenConv3d.compare(scope, c, 0, Tolerance.FP32)));
        kinds.add(of("batch normalisation, training", "batch_norm", Precision.FP32, GoldenBatchNorm::compareTraining));
        kinds.add(Golden.load("batch_norm").cases().stream().map(c -> new Case(
                "batch normalisation over processes " + c, Precision.FP32, SEVERAL,
                scope -> GoldenBatchNorm.compareTraining(scope, c))).toList());
        kinds.add(of("batch normalisation, inference", "batch_norm", Precision.FP32,
                GoldenBatchNorm::compareInference));
        kinds.add(of("loss", "losses", Precision.FP32, GoldenLoss::compare));
        kinds.add(of("Muon", "muon", Precision.FP32, GoldenMuon::compare));
        kinds.add(of("block matching", "block_matching", Precision.FP32, GoldenBlockMatching::compare));
        kinds.add(of("layered advection", "layered_advection", Precision.FP32,
                (scope, c) -> GoldenLayeredAdvection.compare(scope, c, 0, ALL_GRADIENTS)));
        kinds.add(of("layer", GoldenLayers.oneOfEach(), Precision.FP32,
                (scope, c) -> GoldenLayers.compare(scope, c, 0, true)));
        kinds.add(of("recipe", GoldenRecipe.cases(), Precision.FP32, GoldenRecipe::compare));
        kinds.add(of("network, training step", GoldenTraining.cases(), Precision.FP32,
                GoldenTraining::compareFirstStep));
        kinds.add(of("network, inference", GoldenTraining.cases(), Precision.FP32,
                (scope, c) -> List.of(GoldenTraining.compareInference(scope, c))));
        if (device.precisions().contains(Precision.TF32)) {
            kinds.add(of("ConvLSTM2D", smooth("conv_lstm", "activation", "recurrent_activation"), Precision.TF32,
                    (scope, c) -> GoldenConvLstm.compare(scope, c, 0, Tolerance.TF32)));
            kinds.add(of("Conv3D", smooth("conv3d", "activation"), Precision.TF32,
                    (scope, c) -> GoldenConv3d.compare(scope, c, 0, Tolerance.TF32)));
        }
        // Products of bfloat16 values are exact in float32: against references that round the same operands, float32's
        // tolerances hold.
        kinds.add(of("ConvLSTM2D", "conv_lstm_bfloat16", Precision.BF16,
                (scope, c) -> GoldenConvLstm.compare(scope, c, 0, Tolerance.FP32)));
        kinds.add(of("Conv3D", "conv3d_bfloat16", Precision.BF16,
                (scope, c) -> GoldenConv3d.compare(scope, c, 0, Tolerance.FP32)));
        return kinds;
    }

    private static List<Case> of(String op, String golden, Precision precision,
            BiFunction<OpScope, Golden.Case, List<Difference>> comparison) {
        return of(op, Golden.load(golden).cases(), precision, comparison);
    }

    private static List<Case> of(String op, List<Golden.Case> cases, Precision precision,
            BiFunction<OpScope, Golden.Case, List<Difference>> comparison) {
        return cases.stream().map(c -> new Case(op + " " + c, precision, DataParallel.NONE,
                scope -> comparison.apply(scope, c))).toList();
    }

    /** The cases without kinks in their activations: there, a rounded operand can change a gradient altogether. */
    private static List<Golden.Case> smooth(String golden, String... activations) {
        return Golden.load(golden).cases().stream().filter(c -> List.of(activations).stream()
                .allMatch(name -> SMOOTH.contains(Activation.named(c.text(name))))).toList();
    }

    /** One of each kind, then another of each, and so on: little time then still reaches every kind. */
    private static <T> List<T> inTurns(List<List<T>> kinds) {
        List<T> all = new ArrayList<>();
        int longest = kinds.stream().mapToInt(List::size).max().orElse(0);
        for (int k = 0; k < longest; k++) {
            for (List<T> kind : kinds) {
                if (k < kind.size()) {
                    all.add(kind.get(k));
                }
            }
        }
        return all;
    }
}
