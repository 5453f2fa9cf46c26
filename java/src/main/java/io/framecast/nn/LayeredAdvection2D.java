package io.framecast.nn;

import io.framecast.FramecastException;
import io.framecast.backend.Backend;
import io.framecast.backend.LayeredAdvectionSpec;
import io.framecast.backend.Plan;
import io.framecast.backend.Weights;
import io.framecast.text.Settings;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/**
 * Layer images (Wang and Adelson 1994) that are carried through time. Each frame corrects them by what they did not
 * predict, as a Kalman filter does; then each layer is moved by its own filters, and the sum of the layers predicts the
 * next frame. The filters are data, one vertical and one horizontal softmax for each patch (De Brabandere et al. 2016,
 * Finn et al. 2016; separable: Niklaus et al. 2017). {@link LayeredAdvectionSpec} has the formulas and the gradient.
 *
 * <p>Its inputs are, in this order, the frames; gates of {@code layers} + 1 channels, logits: which layer takes the
 * correction, the last none; filters of layers * 2 * (2 * maxDisplacement + 1) channels, logits; and the flow, in
 * pixels, vertical in channel 0 and horizontal in channel 1, towards which the filters are biased. Filters and flow
 * have one pixel for each patch.
 *
 * @param layers the number of layer images
 * @param maxDisplacement the largest movement between two frames, in pixels
 * @param flowPrecision the factor of the squared distance from the flow, which is subtracted from the filters' logits;
 *     0 ignores the flow
 */
public record LayeredAdvection2D(int layers, int maxDisplacement, double flowPrecision) implements FilterlessConfig {

    /**
     * Checks the settings.
     *
     * @param layers at least 1
     * @param maxDisplacement at least 1
     * @param flowPrecision from 0 to 1000
     * @throws IllegalArgumentException if one is out of its range
     */
    public LayeredAdvection2D {
        Settings.requirePositive("layers", layers);
        Settings.requirePositive("maxDisplacement", maxDisplacement);
        Settings.require(flowPrecision >= 0 && flowPrecision <= MAX_PRECISION, "flowPrecision", flowPrecision,
                "from 0 to " + MAX_PRECISION);
    }

    /** A filter of this precision is a shift by whole pixels. */
    static final int MAX_PRECISION = 1000;

    @Override
    public String type() {
        return "LayeredAdvection2D";
    }

    @Override
    public Map<String, Object> settings() {
        Map<String, Object> settings = new LinkedHashMap<>();
        settings.put("layers", layers);
        settings.put("max_displacement", maxDisplacement);
        settings.put("flow_precision", flowPrecision);
        return settings;
    }

    @Override
    public FrameShape outputShape(List<FrameShape> inputs) {
        if (inputs.size() != 4) {
            throw new FramecastException("it takes four \"inputs\", frames, gates, filters and flow, not "
                    + inputs.size());
        }
        FrameShape frame = inputs.get(0);
        FrameShape gates = inputs.get(1);
        FrameShape filters = inputs.get(2);
        FrameShape flow = inputs.get(3);
        if (gates.height() != frame.height() || gates.width() != frame.width() || gates.channels() != layers + 1L) {
            throw new FramecastException("its gates of " + gates + " must be " + frame.height() + "x" + frame.width()
                    + "x" + (layers + 1L) + ": the size of the frames, and one channel more than \"layers\"");
        }
        int block = frame.height() / filters.height();
        if (block < 1 || filters.height() * block != frame.height() || filters.width() * block != frame.width()) {
            throw new FramecastException("its filters of " + filters + " do not cut frames of " + frame
                    + " into square patches");
        }
        long channels = layers * 2L * (2L * maxDisplacement + 1);
        if (filters.channels() != channels) {
            throw new FramecastException("its filters of " + filters + " must have " + channels
                    + " channels, \"layers\" * 2 * (2 * \"max_displacement\" + 1)");
        }
        if (flow.height() != filters.height() || flow.width() != filters.width() || flow.channels() < 2) {
            throw new FramecastException("its flow of " + flow + " must be " + filters.height() + "x" + filters.width()
                    + ", as the filters, of 2 or more channels");
        }
        return frame;
    }

    @Override
    public List<ParameterSpec> parameters(List<FrameShape> inputs) {
        return List.of();
    }

    /** The frames do; gates, filters and flow are for all channels alike. */
    @Override
    public boolean sharesChannels(int input) {
        return input == 0;
    }

    @Override
    public Layer build(Backend backend, List<FrameShape> inputs, Plan plan, Function<String, Weights> parameters) {
        FrameShape frame = inputs.get(0);
        return new MultiInputLayer(backend.layeredAdvection(new LayeredAdvectionSpec(frame.height(), frame.width(),
                frame.channels(), frame.height() / inputs.get(2).height(), inputs.get(3).channels(), layers,
                maxDisplacement, (float) flowPrecision), plan));
    }
}
