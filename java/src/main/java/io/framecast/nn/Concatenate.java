package io.framecast.nn;

import io.framecast.FramecastException;
import io.framecast.backend.Backend;
import io.framecast.backend.ConcatenateSpec;
import io.framecast.backend.Plan;
import io.framecast.backend.Weights;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/** Keras's Concatenate along the channels: two or more inputs of the same height and width. */
public record Concatenate() implements FilterlessConfig {

    @Override
    public String type() {
        return "Concatenate";
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
        FrameShape first = inputs.get(0);
        long channels = 0;
        for (FrameShape input : inputs) {
            if (input.height() != first.height() || input.width() != first.width()) {
                throw new FramecastException("its inputs of " + first + " and " + input
                        + " do not have the same height and width");
            }
            channels += input.channels();
        }
        if (channels > HostTensor.MAX_SIZE) {
            throw new FramecastException(channels + " channels are too many");
        }
        return new FrameShape(first.height(), first.width(), (int) channels);
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
        return new MultiInputLayer(backend.concatenate(new ConcatenateSpec(inputs.get(0).height(),
                inputs.get(0).width(), inputs.stream().map(FrameShape::channels).toList()), plan));
    }
}
