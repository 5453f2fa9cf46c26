package io.framecast.nn;

import io.framecast.FramecastException;
import io.framecast.backend.AddSpec;
import io.framecast.backend.Backend;
import io.framecast.backend.Plan;
import io.framecast.backend.Weights;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/** Keras's Add: the sum of two or more inputs of the same shape, element by element. */
public record Add() implements FilterlessConfig {

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
    public boolean sharesChannels(int input) {
        return true;
    }

    @Override
    public Layer build(Backend backend, List<FrameShape> inputs, Plan plan, Function<String, Weights> parameters) {
        FrameShape frame = inputs.get(0);
        return new MultiInputLayer(
                backend.add(new AddSpec(frame.height(), frame.width(), frame.channels(), inputs.size()), plan));
    }
}
