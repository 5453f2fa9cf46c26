package io.framecast.nn;

import io.framecast.backend.Backend;
import io.framecast.backend.Loss;
import io.framecast.backend.Plan;
import io.framecast.backend.Tensor;
import java.util.ArrayList;
import java.util.List;

/** A model on a device: its parameters, and its layers planned for a maximal number of frames and videos. */
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
     * Creates a network for inference: {@link #forward} on up to {@code frames} frames of {@code batch} videos, or
     * {@link #step}.
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
     * Creates a network for inference that shares this network's parameters, including later updates. Close it before
     * this network.
     *
     * @param frames the most frames at once
     * @param batch the most videos at once
     * @return the network, for the caller to close
     */
    public Network inference(int frames, int batch) {
        return new Network(backend, model, model, Math.max(frames, model.stepFrames()), batch, false, parameters);
    }

    /**
     * Creates a network for training with the given loss. If the loss is computed from logits (see {@link
     * ModelConfig#computedAs}), these are what {@link #forward} returns.
     *
     * @param backend the device
     * @param model the model
     * @param loss the loss to minimise
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
     * The model of this network.
     *
     * @return the model given, including the final sigmoid that training may omit
     */
    public ModelConfig model() {
        return model;
    }

    /**
     * The parameters of this network, its own or shared.
     *
     * @return the parameters; the network closes them
     */
    public Parameters parameters() {
        return parameters;
    }

    /**
     * Sets the listener that {@link #forward} and {@link #backward} call for each layer.
     *
     * @param to the new listener
     */
    public void listen(LayerListener to) {
        listener = to;
    }

    /**
     * Computes the outputs, time-major and channels last. The result is valid until the next call.
     *
     * @param x (frames, batch, height, width, channels); in training it must not change until backward
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
     * Computes the gradients of the parameters. Overwrites {@code outputGradient}.
     *
     * @param outputGradient the gradient of the output of the last forward, in the same shape
     */
    public void backward(Tensor outputGradient) {
        Tensor dy = outputGradient;
        for (int k = layers.size() - 1; k >= firstTrained; k--) {
            dy = layers.get(k).backward(dy);
            listener.called(k, LayerListener.Pass.BACKWARD);
        }
    }

    /** Resets the state: the next {@link #step} takes the first frame of new videos. */
    public void begin() {
        layers.forEach(Layer::begin);
        frame = 0;
    }

    /**
     * Processes the next frame of the current videos.
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
     * Like {@link #step}, but returns all outputs that the frame adds or changes.
     *
     * @param x the frame
     * @param batch the number of videos, the same since {@link #begin}
     * @return the last frames of what {@link #forward} would return for all n frames so far, (frames, batch, height,
     *     width, channels): the newest and {@link ModelConfig#futureReach} before it, or all n if these are fewer. The
     *     first of them is final if n is above that reach.
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
