package io.framecast.nn;

import io.framecast.FramecastException;
import io.framecast.backend.Backend;
import io.framecast.backend.Plan;
import io.framecast.backend.Weights;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/** One layer of a model: what it is, not how it is computed. */
public sealed interface LayerConfig permits ConvLstm2D, BatchNormalization, Conv3D, SpaceToDepth, DepthToSpace {

    /** The name of its type in model JSON. */
    String type();

    /** Its settings by their names in model JSON, all of them, in order. */
    Map<String, Object> settings();

    /**
     * The shape of its output frames.
     *
     * @throws FramecastException if it cannot take such an input
     */
    FrameShape outputShape(FrameShape input);

    List<ParameterSpec> parameters(FrameShape input);

    /** The layer on a device, with its parameters given by name. */
    Layer build(Backend backend, FrameShape input, Plan plan, Function<String, Weights> parameters);

    /** How many frames beyond frame t its output at t depends on. */
    default int futureReach() {
        return 0;
    }
}
