package io.framecast.tools.check.golden;

import io.framecast.backend.Plan;
import io.framecast.backend.Tensor;
import io.framecast.backend.Weights;
import io.framecast.nn.Layer;
import io.framecast.nn.LayerConfig;
import io.framecast.nn.ModelConfig;
import io.framecast.nn.ModelJson;
import io.framecast.nn.ParameterSpec;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** The golden cases of the layers that models from Keras have, from model JSON. */
public final class GoldenLayers {

    private GoldenLayers() {
    }

    public static List<Golden.Case> cases() {
        return Golden.load("keras_layers").cases();
    }

    /** One case of each type of layer, and of each interpolation. */
    public static List<Golden.Case> oneOfEach() {
        Set<String> known = new LinkedHashSet<>();
        return cases().stream().filter(c -> known.add(c.settings().at("/layer/type").asText()
                + c.settings().at("/layer/interpolation").asText())).toList();
    }

    /**
     * The differences of outputs and of all gradients.
     *
     * @param extra how many more frames and videos the plan has; if not 0, a run on noise at full size comes first
     * @param inputGradient whether the gradient of the input is computed; if not, inference is compared, too
     */
    public static List<Difference> compare(OpScope scope, Golden.Case c, int extra, boolean inputGradient) {
        int frames = c.number("frames");
        int batch = c.number("batch");
        ModelConfig model = ModelJson.parse("{\"input\": " + c.settings().get("input") + ", \"layers\": ["
                + c.settings().get("layer") + "]}", c.name());
        LayerConfig config = model.layers().get(0);
        Map<String, Weights> parameters = new LinkedHashMap<>();
        for (ParameterSpec parameter : config.parameters(List.of(model.input()))) {
            parameters.put(parameter.name(), scope.weights(c.values(parameter.name())));
        }
        Layer layer = scope.own(config.build(scope.get(), List.of(model.input()),
                new Plan(frames + extra, batch + extra, true, inputGradient), parameters::get));
        if (extra > 0) {
            int images = (frames + extra) * (batch + extra);
            layer.forward(List.of(scope.noise(images * model.input().size())), frames + extra, batch + extra, true);
            layer.backward(scope.noise(images * model.output().size()));
        }
        List<Difference> differences = new ArrayList<>();
        List<Tensor> x = List.of(scope.tensor(c.values("x"))); // It has to live until backward.
        differences.add(Difference.relative("y", c.values("y"), layer.forward(x, frames, batch, true).read(),
                Tolerance.FP32.output()));
        Tensor dx = layer.backward(scope.tensor(c.values("dy"))).get(0);
        if (inputGradient) {
            differences.add(Difference.relative("dx", c.values("dx"), dx.read(), Tolerance.FP32.gradient()));
        } else {
            if (dx != null && parameters.isEmpty()) {
                throw new IllegalStateException("a gradient that was not asked for");
            }
            Layer inference = scope.own(config.build(scope.get(), List.of(model.input()),
                    Plan.inference(frames, batch, 1), parameters::get));
            differences.add(Difference.relative("y in inference", c.values("y"),
                    inference.forward(x, frames, batch, false).read(), Tolerance.FP32.output()));
        }
        parameters.forEach((name, weights) -> differences.add(Difference.relative("d" + name, c.values("d" + name),
                weights.gradient().read(), Tolerance.FP32.gradient())));
        return differences;
    }
}
