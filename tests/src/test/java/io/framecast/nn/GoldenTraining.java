package io.framecast.nn;

import io.framecast.backend.Loss;
import io.framecast.backend.LossOp;
import io.framecast.backend.Tensor;
import io.framecast.backend.TestBackend;
import io.framecast.golden.Golden;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;

/** Trains the network of a golden case on its videos, batch after batch, in order; the last batch may be smaller. */
final class GoldenTraining {

    private final TestBackend backend;
    private final Golden.Case c;
    private final Network network;
    private final LossOp loss;
    private final Adam adam;
    private int next;

    GoldenTraining(TestBackend backend, Golden.Case c) {
        this.backend = backend;
        this.c = c;
        ModelConfig model = model(c);
        Loss named = Loss.valueOf(c.text("loss").toUpperCase(Locale.ROOT));
        network = backend.own(Network.forTraining(backend.get(), model, named, c.number("frames"), c.number("batch")));
        network.parameters().set(parameters(c));
        loss = backend.own(backend.get().loss(model.computedAs(named),
                (long) c.number("frames") * c.number("batch") * model.output().size()));
        adam = backend.own(new Adam(network));
    }

    static ModelConfig model(Golden.Case c) {
        return ModelJson.parse(c.settings().get("model").toString(), c.name());
    }

    static Map<String, HostTensor> parameters(Golden.Case c) {
        Map<String, HostTensor> parameters = new HashMap<>();
        for (String name : c.named("value.")) {
            parameters.put(name, new HostTensor(c.shape("value." + name), c.values("value." + name)));
        }
        return parameters;
    }

    /** The videos from {@code first} (inclusive) to {@code end} (exclusive), time-major. */
    static float[] videos(Golden.Case c, String tensor, int first, int end) {
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

    Network network() {
        return network;
    }

    LossOp loss() {
        return loss;
    }

    Tensor forward(int first, int end) {
        return network.forward(backend.tensor(videos(c, "x", first, end)), c.number("frames"), end - first, true);
    }

    double loss(Tensor outputs, int first, int end, boolean gradient) {
        loss.forward(outputs, backend.tensor(videos(c, "targets", first, end)), outputs.size(), gradient);
        return loss.value();
    }

    /** @return the loss before the step */
    double step() {
        int end = Math.min(next + c.number("batch"), c.number("videos"));
        double value = loss(forward(next, end), next, end, true);
        network.backward(loss.gradient());
        adam.begin(1e-3);
        adam.update();
        next = end % c.number("videos");
        return value;
    }
}
