package io.framecast.nn;

import io.framecast.backend.Backend;
import io.framecast.backend.Loss;
import io.framecast.backend.Plan;
import io.framecast.backend.Tensor;
import java.util.ArrayList;
import java.util.List;

/** A model on a device: its layers planned for so many frames and videos at once, and its parameters. */
public final class Network implements AutoCloseable {

    private final Backend backend;
    private final ModelConfig model;
    private final Parameters parameters;
    private final boolean ownsParameters;
    private final List<Layer> layers = new ArrayList<>();
    private final int firstTrained;
    private LayerListener listener = (index, pass) -> { };
    private int frame;

    /**
     * For inference: {@link #forward} on up to {@code frames} frames of {@code batch} videos, or {@link #step}.
     *
     * @param backend the device
     * @param model the model
     * @param frames the most frames at once
     * @param batch the most videos at once
     * @return the network with zero parameters, for the caller to close
     */
    public static Network forInference(Backend backend, ModelConfig model, int frames, int batch) {
        return new Network(backend, model, model, Math.max(frames, model.stepFrames()), batch, false, null);
    }

    /**
     * For inference with this network's parameters, as they are at each call; to be closed before this network.
     *
     * @param frames the most frames at once
     * @param batch the most videos at once
     * @return the network, for the caller to close
     */
    public Network inference(int frames, int batch) {
        return new Network(backend, model, model, Math.max(frames, model.stepFrames()), batch, false, parameters);
    }

    /**
     * For training with the given loss. If the loss is computed from logits (see {@link ModelConfig#computedAs}),
     * these are what {@link #forward} returns.
     *
     * @param backend the device
     * @param model the model
     * @param loss the loss as the user means it
     * @param frames the most frames at once
     * @param batch the most videos at once
     * @return the network with zero parameters, for the caller to close
     */
    public static Network forTraining(Backend backend, ModelConfig model, Loss loss, int frames, int batch) {
        boolean logits = model.computedAs(loss) == Loss.BINARY_CROSSENTROPY_FROM_LOGITS;
        return new Network(backend, model, logits ? model.withoutSigmoid() : model, frames, batch, true, null);
    }

    private Network(Backend backend, ModelConfig model, ModelConfig built, int frames, int batch, boolean training,
            Parameters shared) {
        this.backend = backend;
        this.model = model;
        this.ownsParameters = shared == null;
        this.parameters = ownsParameters ? new Parameters(backend, model, training) : shared;
        List<FrameShape> shapes = built.shapes();
        firstTrained = built.firstTrained();
        try {
            for (int k = 0; k < built.layers().size(); k++) {
                int index = k;
                LayerConfig layer = built.layers().get(k);
                boolean inputGradient = k > firstTrained;
                layers.add(layer.build(backend, shapes.get(k), new Plan(frames, batch, training, inputGradient),
                        name -> parameters.weights(ModelConfig.parameterName(index, name))));
            }
        } catch (RuntimeException e) {
            close();
            throw e;
        }
    }

    /**
     * The device that this network computes on.
     *
     * @return the backend given
     */
    public Backend backend() {
        return backend;
    }

    /**
     * What this network computes.
     *
     * @return the model given, with the sigmoid that training may leave out
     */
    public ModelConfig model() {
        return model;
    }

    /**
     * The parameters of this network, or those that it shares.
     *
     * @return owned by the network: not for the caller to close
     */
    public Parameters parameters() {
        return parameters;
    }

    /**
     * Has {@link #forward} and {@link #backward} tell, until another listener is given, of each layer.
     *
     * @param to the new listener
     */
    public void listen(LayerListener to) {
        listener = to;
    }

    /**
     * From (frames, batch, height, width, channels) to the same; the result is valid until the next call.
     *
     * @param x the input; in training it must not change until backward
     * @param frames the number of frames
     * @param batch the number of videos
     * @param training whether the pass is part of a training step
     * @return (frames, batch, output height, output width, output channels)
     */
    public Tensor forward(Tensor x, int frames, int batch, boolean training) {
        Tensor y = x;
        for (int k = 0; k < layers.size(); k++) {
            y = layers.get(k).forward(y, frames, batch, training);
            listener.called(k, LayerListener.Pass.FORWARD);
        }
        return y;
    }

    /**
     * Fills the parameters' gradients from the gradient of what the last forward returned, which it overwrites.
     *
     * @param outputGradient of the shape that forward returned
     */
    public void backward(Tensor outputGradient) {
        Tensor dy = outputGradient;
        for (int k = layers.size() - 1; k >= firstTrained; k--) {
            dy = layers.get(k).backward(dy);
            listener.called(k, LayerListener.Pass.BACKWARD);
        }
    }

    /** Begins new videos: the next {@link #step} takes their first frame. */
    public void begin() {
        layers.forEach(Layer::begin);
        frame = 0;
    }

    /**
     * Takes the next frame of the videos begun, (batch, height, width, channels).
     *
     * @param x the frame
     * @param batch the number of videos, the same since {@link #begin}
     * @return the prediction of the frame after it: the last frame of what {@link #forward} would return for all
     *     frames so far
     */
    public Tensor step(Tensor x, int batch) {
        Tensor tail = stepTail(x, batch);
        long size = (long) batch * model.output().size();
        return tail.slice(tail.size() - size, size);
    }

    /**
     * As {@link #step}, for all outputs that the frame adds or changes.
     *
     * @param x the frame
     * @param batch the number of videos, the same since {@link #begin}
     * @return the last frames of what {@link #forward} would return for all n frames so far, (frames, batch, height,
     *     width, channels): the newest and {@link ModelConfig#futureReach} before it, or all n if these are fewer. The
     *     first of them will not change any more if n is above that reach.
     */
    public Tensor stepTail(Tensor x, int batch) {
        Tensor tail = x;
        int count = 1;
        int reach = 0;
        for (int k = 0; k < layers.size(); k++) {
            tail = layers.get(k).step(tail, count, batch, frame >= reach);
            reach += model.layers().get(k).futureReach();
            count = Math.min(reach, frame) + 1;
        }
        frame++;
        return tail.slice(0, (long) count * batch * model.output().size());
    }

    @Override
    public void close() {
        layers.forEach(Layer::close);
        if (ownsParameters) {
            parameters.close();
        }
    }
}
