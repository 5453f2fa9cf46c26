package io.framecast.tools.check.golden;

import io.framecast.backend.Loss;
import io.framecast.backend.LossOp;
import io.framecast.backend.Precision;
import io.framecast.backend.Tensor;
import io.framecast.nn.Adam;
import io.framecast.nn.HostTensor;
import io.framecast.nn.ModelConfig;
import io.framecast.nn.ModelJson;
import io.framecast.nn.Network;
import io.framecast.nn.Parameters;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;

/** Trains the network of a golden case on its videos, batch after batch, in order; the last batch may be smaller. */
public final class GoldenTraining {

    private final OpScope scope;
    private final Golden.Case c;
    private final Network network;
    private final LossOp loss;
    private final Adam adam;
    private int next;

    public GoldenTraining(OpScope scope, Golden.Case c) {
        this.scope = scope;
        this.c = c;
        ModelConfig model = model(c);
        Loss named = Loss.valueOf(c.text("loss").toUpperCase(Locale.ROOT));
        network = scope.own(Network.forTraining(scope.get(), model, named, c.number("frames"), c.number("batch")));
        network.parameters().set(parameters(c));
        loss = scope.own(scope.get().loss(model.computedAs(named),
                (long) c.number("frames") * c.number("batch") * model.output().size()));
        adam = scope.own(new Adam(network));
    }

    /** The cases of whole networks. */
    public static List<Golden.Case> cases() {
        return Stream.of("networks", "graphs").flatMap(file -> Golden.load(file).cases().stream()).toList();
    }

    public static ModelConfig model(Golden.Case c) {
        return ModelJson.parse(c.settings().get("model").toString(), c.name());
    }

    public static Map<String, HostTensor> parameters(Golden.Case c) {
        return c.tensors("value.");
    }

    /** The videos from {@code first} (inclusive) to {@code end} (exclusive), time-major. */
    public static float[] videos(Golden.Case c, String tensor, int first, int end) {
        float[] all = c.values(tensor);
        int frames = c.number("frames");
        int videos = c.number("videos");
        int size = all.length / (frames * videos);
        float[] some = new float[frames * (end - first) * size];
        for (int t = 0; t < frames; t++) {
            System.arraycopy(all, (t * videos + first) * size, some, t * (end - first) * size, (end - first) * size);
        }
        return some;
    }

    private Tensor forward(int first, int end) {
        return network.forward(scope.tensor(videos(c, "x", first, end)), c.number("frames"), end - first, true);
    }

    private double loss(Tensor outputs, int first, int end) {
        loss.forward(outputs, scope.tensor(videos(c, "targets", first, end)), outputs.size(), true);
        return loss.value();
    }

    /** @return the loss before the step */
    public double step() {
        int end = Math.min(next + c.number("batch"), c.number("videos"));
        double value = loss(forward(next, end), next, end);
        network.backward(loss.gradient());
        adam.begin(1e-3);
        adam.update();
        next = end % c.number("videos");
        return value;
    }

    /** The difference of the outputs of inference. */
    public static Difference compareInference(OpScope scope, Golden.Case c) {
        int batch = c.number("batch");
        Network network = scope.own(Network.forInference(scope.get(), model(c), c.number("frames") + 1, batch));
        network.parameters().set(parameters(c));
        Tensor x = scope.tensor(videos(c, "x", 0, batch));
        return Difference.relative("outputs", c.values("outputs"),
                network.forward(x, c.number("frames"), batch, false).read(), Tolerance.FP32.output());
    }

    /** The differences of the outputs of training, the loss, each gradient, and the moving averages. */
    public static List<Difference> compareFirstStep(OpScope scope, Golden.Case c) {
        GoldenTraining training = new GoldenTraining(scope, c);
        int batch = c.number("batch");
        Tensor y = training.forward(0, batch);
        List<Difference> differences = new ArrayList<>();
        double output = Tolerance.FP32.output();
        differences.add(Difference.relative("training outputs", c.values("training_outputs"), y.read(), output));
        // The loss is a mean of terms whose derivative with respect to the output is at most about 1.
        differences.add(Difference.of("loss", c.settings().get("first_loss").doubleValue(),
                training.loss(y, 0, batch), output));
        training.network.backward(training.loss.gradient());
        Parameters parameters = training.network.parameters();
        Map<String, float[]> actual = new HashMap<>();
        parameters.split(parameters.gradients(), 0).forEach((name, value) -> actual.put(name, value.values()));
        differences.add(Difference.of("number of gradients", c.named("gradient.").size(), actual.size(), 0));
        for (String name : c.named("gradient.")) {
            differences.add(Difference.relative("gradient of " + name, c.values("gradient." + name), actual.get(name),
                    Tolerance.FP32.gradient()));
        }
        for (String name : c.named("moving.")) {
            differences.add(Difference.relative(name, c.values("moving." + name),
                    parameters.get().get(name).values(), output));
        }
        return differences;
    }

    /**
     * The differences of twenty losses. In float32 to float64's, relative 2e-5.
     *
     * <p>In bfloat16 there are two bounds, with u = 2^-8, the unit roundoff. To the losses without rounding: through at
     * most four convolutions, an output accumulates errors of about 2u with random sign; the loss averages over
     * hundreds of outputs, so that a bound of u is sufficient. To a reference that rounds the same operands: the two
     * differ only where float32 errors make a rounding go the other way, for a few operands in ten thousand; the bound
     * is u/8, and 1e-5 before the first update. In tf32: by the first bound, with its unit roundoff.
     */
    public static List<Difference> compareLosses(OpScope scope, Golden.Case c) {
        Precision precision = scope.get().precision();
        double[] exact = c.numbers("losses");
        double bound = switch (precision) {
            case FP32 -> 2e-5;
            case BF16 -> Math.scalb(1, -8);
            case TF32 -> Math.scalb(1, -11);
        };
        double[] rounded = precision == Precision.BF16 ? c.numbers("losses_bfloat16") : null;
        return compareLosses(scope, c, exact, bound, rounded, 1e-5, bound / 8);
    }

    /**
     * The same for the vendors' convolutions: cuDNN rounds also the sums of a convolution to bfloat16, so to the
     * reference that rounds only its operands the bound is that to the losses without rounding, u; a quarter of it was
     * measured, and three quarters without rounding. TF32 has a unit roundoff of 2^-11 and float32 sums; 0.92 u was
     * measured, and the bound is 2u, the error of one product.
     */
    public static List<Difference> compareVendorLosses(OpScope scope, Golden.Case c) {
        Precision precision = scope.get().precision();
        double bound = switch (precision) {
            case FP32 -> 2e-5;
            case BF16 -> Math.scalb(1, -8);
            case TF32 -> Math.scalb(1, -10);
        };
        return compareLosses(scope, c, c.numbers("losses"), bound,
                precision == Precision.BF16 ? c.numbers("losses_bfloat16") : null, bound, bound);
    }

    private static List<Difference> compareLosses(OpScope scope, Golden.Case c, double[] exact, double bound,
            double[] rounded, double firstOfRounded, double boundOfRounded) {
        GoldenTraining training = new GoldenTraining(scope, c);
        List<Difference> differences = new ArrayList<>();
        for (int step = 0; step < exact.length; step++) {
            double loss = training.step();
            differences.add(Difference.of("loss of step " + step, exact[step], loss, bound * exact[step]));
            if (rounded != null) {
                double share = step == 0 ? firstOfRounded : boundOfRounded;
                differences.add(Difference.of("loss of step " + step + ", of rounded operands", rounded[step], loss,
                        share * rounded[step]));
            }
        }
        return differences;
    }
}
