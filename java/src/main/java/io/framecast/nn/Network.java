package io.framecast.nn;

import io.framecast.backend.AddSpec;
import io.framecast.backend.Backend;
import io.framecast.backend.Loss;
import io.framecast.backend.MultiInputOp;
import io.framecast.backend.Plan;
import io.framecast.backend.Tensor;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * A model on a device: its parameters, and its layers planned for a maximal number of frames and videos. Values are
 * numbered as in {@link Graph}.
 */
public final class Network implements AutoCloseable {

    private final Backend backend;
    private final ModelConfig model;
    private final Parameters parameters;
    private final boolean ownsParameters;
    private final List<Layer> layers = new ArrayList<>();
    /** The layers' configurations, without the sigmoid that training may omit. */
    private final ModelConfig built;
    private final Graph graph;
    private final Gradients gradients;
    /** By value: adds the gradients from several layers that read it. */
    private final Map<Integer, MultiInputOp> sums = new HashMap<>();
    /** By layer, for rollout: aligns its inputs if they depend on different numbers of future frames. */
    private final Map<Integer, Alignment> alignments = new HashMap<>();
    private final List<Integer> reaches;
    /** Null: this network trains alone, or not at all. */
    private final GradientSum gradientSum;
    private LayerListener listener = (index, pass) -> { };
    /** Of the last forward. */
    private int frames;
    private int batch;
    /** The index of the next frame of a rollout. */
    private final int plannedFrames;
    private int frame;

    /**
     * Creates a network for inference: {@link #forward} on up to {@code frames} frames of {@code batch} videos, or
     * {@link #step(Tensor, int)}.
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
        plannedFrames = frames;
        this.model = model;
        this.ownsParameters = shared == null;
        this.parameters = ownsParameters ? new Parameters(backend, model, training) : shared;
        this.built = built;
        graph = built.graph();
        gradients = built.gradients();
        reaches = built.reaches();
        List<List<FrameShape>> inputs = built.inputShapes();
        try {
            for (int k = 0; k < built.layers().size(); k++) {
                int index = k;
                layers.add(built.layers().get(k).build(backend, inputs.get(k),
                        new Plan(frames, batch, training, gradients.ofInputs(k), training && readAsOperands(k)),
                        name -> parameters.weights(ModelConfig.parameterName(index, name))));
                if (training) {
                    addSum(k + 1, frames, batch);
                } else {
                    addAlignment(k, inputs.get(k), batch);
                }
            }
            gradientSum = training && backend.dataParallel().group().size() > 1 && parameters.gradients().size() > 0
                    ? new GradientSum(backend, parameters, layers.size()) : null;
        } catch (RuntimeException e) {
            close();
            throw e;
        }
    }

    /** Whether only layers read a layer's output that take operands. */
    private boolean readAsOperands(int layer) {
        List<Integer> readers = graph.readers(layer + 1);
        return !readers.isEmpty() && readers.stream().allMatch(k -> built.layers().get(k).takesOperands());
    }

    private void addSum(int value, int frames, int batch) {
        int readers = graph.readers(value).size();
        if (readers > 1 && gradients.needed().get(value)) {
            FrameShape shape = built.shapes().get(value);
            sums.put(value, backend.add(new AddSpec(shape.height(), shape.width(), shape.channels(), readers),
                    Plan.inference(frames, batch, readers)));
        }
    }

    private void addAlignment(int layer, List<FrameShape> inputs, int batch) {
        List<Integer> of = graph.sources(layer).stream().map(reaches::get).toList();
        if (of.stream().distinct().count() > 1) {
            alignments.put(layer, new Alignment(backend, of, inputs, batch));
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
        this.frames = frames;
        this.batch = batch;
        List<Tensor> values = new ArrayList<>(Collections.singletonList(x));
        for (int k = 0; k < layers.size(); k++) {
            values.add(layers.get(k).forward(inputs(k, values), frames, batch, training));
            listener.called(k, LayerListener.Pass.FORWARD);
        }
        return values.get(layers.size());
    }

    private List<Tensor> inputs(int layer, List<Tensor> values) {
        return graph.sources(layer).stream().map(values::get).toList();
    }

    /**
     * Whether the videos of the next passes are padding, which counts for no statistics of batch normalisation. The
     * caller gives a gradient of zeros for them.
     *
     * @param padding false at first
     */
    public void setPadding(boolean padding) {
        layers.forEach(layer -> layer.setPadding(padding));
    }

    /**
     * Computes the gradients of the parameters, summed over all processes of the backend. Overwrites
     * {@code outputGradient}.
     *
     * @param outputGradient the gradient of the output of the last forward, in the same shape
     */
    public void backward(Tensor outputGradient) {
        List<List<Tensor>> of = new ArrayList<>();
        for (int value = 0; value <= layers.size(); value++) {
            of.add(new ArrayList<>());
        }
        of.get(layers.size()).add(outputGradient);
        for (int k = layers.size() - 1; k >= 0; k--) {
            if (!gradients.ofOutput(k)) {
                continue;
            }
            List<Tensor> dx = layers.get(k).backward(sum(k + 1, of.get(k + 1)));
            List<Integer> sources = graph.sources(k);
            for (int i = 0; i < sources.size(); i++) {
                if (gradients.needed().get(sources.get(i))) {
                    of.get(sources.get(i)).add(dx.get(i));
                }
            }
            listener.called(k, LayerListener.Pass.BACKWARD);
            if (gradientSum != null) {
                gradientSum.start(k);
            }
        }
        if (gradientSum != null) {
            gradientSum.finish();
        }
    }

    /** The gradient of a value, from those that the layers which read it gave, the last layer first. */
    private Tensor sum(int value, List<Tensor> parts) {
        return parts.size() == 1 ? parts.get(0) : sums.get(value).forward(parts, frames, batch, false);
    }

    /** Resets the state: the next {@link #step(Tensor, int)} takes the first frame of new videos. */
    public void begin() {
        layers.forEach(Layer::begin);
        alignments.values().forEach(Alignment::begin);
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
     * Processes several next frames of the current videos. A causal model computes them in one pass, if the network
     * was planned for so many frames.
     *
     * @param x (frames, batch, height, width, channels)
     * @param frames at least 1
     * @param batch the number of videos, the same since {@link #begin}
     * @return the prediction of the frame after the last of them
     */
    public Tensor step(Tensor x, int frames, int batch) {
        long size = (long) batch * model.input().size();
        if (model.futureReach() > 0 || frames > plannedFrames) {
            for (int t = 0; t + 1 < frames; t++) {
                step(x.slice(t * size, size), batch);
            }
            return step(x.slice((frames - 1) * size, size), batch);
        }
        List<Tensor> outputs = new ArrayList<>(List.of(x.slice(0, frames * size)));
        for (int k = 0; k < layers.size(); k++) {
            outputs.add(layers.get(k).step(inputs(k, outputs), frames, batch, frames));
        }
        frame += frames;
        long outputSize = (long) batch * model.output().size();
        return outputs.get(layers.size()).slice((frames - 1) * outputSize, outputSize);
    }

    /**
     * Like {@link #step(Tensor, int)}, but returns all outputs that the frame adds or changes.
     *
     * @param x the frame
     * @param batch the number of videos, the same since {@link #begin}
     * @return the last frames of what {@link #forward} would return for all n frames so far, (frames, batch, height,
     *     width, channels): the newest and {@link ModelConfig#futureReach} before it, or all n if these are fewer. The
     *     first of them is final if n is above that reach.
     */
    public Tensor stepTail(Tensor x, int batch) {
        List<Tensor> tails = new ArrayList<>(Collections.singletonList(x));
        for (int k = 0; k < layers.size(); k++) {
            List<Tensor> inputs = inputs(k, tails);
            Alignment alignment = alignments.get(k);
            int reach = alignment == null ? reaches.get(graph.sources(k).get(0)) : alignment.reach();
            tails.add(layers.get(k).step(alignment == null ? inputs : alignment.align(inputs, frame, batch),
                    Alignment.count(reach, frame), batch, frame >= reach ? 1 : 0));
        }
        long count = Alignment.count(reaches.get(layers.size()), frame);
        frame++;
        return tails.get(layers.size()).slice(0, count * batch * model.output().size());
    }

    @Override
    public void close() {
        if (gradientSum != null) {
            gradientSum.close();
        }
        layers.forEach(Layer::close);
        sums.values().forEach(MultiInputOp::close);
        alignments.values().forEach(Alignment::close);
        if (ownsParameters) {
            parameters.close();
        }
    }
}
