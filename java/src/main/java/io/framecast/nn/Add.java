package io.framecast.nn;

import io.framecast.FramecastException;
import io.framecast.backend.AddSpec;
import io.framecast.backend.Backend;
import io.framecast.backend.Plan;
import io.framecast.backend.Weights;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/** Keras's Add: the sum of two or more inputs of the same shape, element by element. */
public record Add() implements LayerConfig {

    @Override
    public String type() {
        return "Add";
    }

    @Override
    public Map<String, Object> settings() {
        return Map.of();
    }

    @Override
    public FrameShape outputShape(List<FrameShape> inputs) {
        if (inputs.size() < 2) {
            throw new FramecastException("it takes two or more \"inputs\"");
        }
        for (FrameShape input : inputs) {
            if (!input.equals(inputs.get(0))) {
                throw new FramecastException("its inputs of " + inputs.get(0) + " and " + input
                        + " do not have the same shape");
            }
        }
        return inputs.get(0);
    }

    @Override
    public List<ParameterSpec> parameters(List<FrameShape> inputs) {
        return List.of();
    }

    @Override
    public int pastReach() {
        return 0;
    }

    @Override
    public int futureReach() {
        return 0;
    }

    @Override
    public Flop flop(List<FrameShape> inputs, int frames, List<Boolean> inputGradients) {
        return Flop.NONE;
    }

    @Override
    public LayerConfig withFilters(int filters) {
        return this;
    }

    @Override
    public Optional<LayerConfig> withOutputChannels(int before, int channels) {
        return Optional.empty();
    }

    @Override
    public boolean sharesChannels(int input) {
        return true;
    }

    @Override
    public boolean movesValues() {
        return false;
    }

    @Override
    public Optional<LayerConfig> withoutSigmoid() {
        return Optional.empty();
    }

    @Override
    public Layer build(Backend backend, List<FrameShape> inputs, Plan plan, Function<String, Weights> parameters) {
        FrameShape frame = inputs.get(0);
        return new MultiInputLayer(
                backend.add(new AddSpec(frame.height(), frame.width(), frame.channels(), inputs.size()), plan));
    }
}
