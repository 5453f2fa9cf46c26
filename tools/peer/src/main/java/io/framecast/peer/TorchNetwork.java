package io.framecast.peer;

import static org.bytedeco.pytorch.global.torch.batch_norm;
import static org.bytedeco.pytorch.global.torch.cat;
import static org.bytedeco.pytorch.global.torch.conv2d;
import static org.bytedeco.pytorch.global.torch.conv3d;

import io.framecast.FramecastException;
import io.framecast.backend.Activation;
import io.framecast.nn.BatchNormalization;
import io.framecast.nn.Conv3D;
import io.framecast.nn.ConvLstm2D;
import io.framecast.nn.DepthToSpace;
import io.framecast.nn.HostTensor;
import io.framecast.nn.LayerConfig;
import io.framecast.nn.ModelConfig;
import io.framecast.nn.Pair;
import io.framecast.nn.SpaceToDepth;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.MemoryFormat;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * A network as a PyTorch user would write it. Between layers a sequence has the shape (frames*batch, channels, height,
 * width), time-major, so that batch normalisation and the convolution of the input process all frames at once.
 *
 * <p>Tensors created in a call belong to the caller's {@link org.bytedeco.javacpp.PointerScope}.
 */
final class TorchNetwork {

    /** One layer: from a sequence to a sequence. */
    private interface Layer {
        Tensor forward(Tensor x);
    }

    private final ScalarType operands;
    private final ScalarType values;
    private final MemoryFormat format;
    private final boolean ahead;
    private final long frames;
    private final long batch;
    private final List<Layer> layers = new ArrayList<>();
    private final List<Tensor> trained = new ArrayList<>();
    private final List<Tensor> statistics = new ArrayList<>();

    /**
     * @param operands the type of the operands of convolutions
     * @param values the type of parameters and of all other computations
     * @param batch videos per batch
     * @param frames frames per video
     */
    TorchNetwork(ModelConfig model, Map<String, HostTensor> initial, ScalarType operands, ScalarType values,
            int batch, int frames, Idiom idiom) {
        this.operands = operands;
        this.values = values;
        this.format = idiom.channelsLast() ? MemoryFormat.ChannelsLast : MemoryFormat.Contiguous;
        this.ahead = idiom.ahead();
        this.frames = frames;
        this.batch = batch;
        if (model.connections().stream().anyMatch(connection -> !connection.inputs().isEmpty())) {
            throw new FramecastException("The comparison with PyTorch takes models whose layers have no \"inputs\".");
        }
        int logits = logits(model);
        for (int k = 0; k < model.layers().size(); k++) {
            layers.add(layer(model.layers().get(k), "layers." + k + ".", initial, k == logits));
        }
    }

    /**
     * The index of the layer whose sigmoid is computed by the loss: as in our engine, the last layer that does not only
     * move pixels.
     */
    private static int logits(ModelConfig model) {
        int last = model.layers().size() - 1;
        while (last >= 0 && (model.layers().get(last) instanceof DepthToSpace
                || model.layers().get(last) instanceof SpaceToDepth)) {
            last--;
        }
        if (last < 0 || !(model.layers().get(last) instanceof Conv3D conv)
                || conv.activation() != Activation.SIGMOID) {
            throw new FramecastException("The comparison with PyTorch trains on logits; "
                    + "choose a model whose last Conv3D has a sigmoid.");
        }
        return last;
    }

    /** The trained parameters, which require gradients. */
    List<Tensor> trained() {
        return trained;
    }

    /** The moving averages. */
    List<Tensor> statistics() {
        return statistics;
    }

    /** From frames to logits, both (frames*batch, channels, height, width). */
    Tensor forward(Tensor x) {
        Tensor y = x.contiguous(format);
        for (Layer layer : layers) {
            y = layer.forward(y);
        }
        return y.to(values);
    }

    private Layer layer(LayerConfig layer, String name, Map<String, HostTensor> initial, boolean logits) {
        if (layer instanceof ConvLstm2D config) {
            return convLstm(config, initial.get(name + "kernel"), initial.get(name + "recurrent_kernel"),
                    initial.get(name + "bias"));
        }
        if (layer instanceof BatchNormalization config) {
            return batchNorm(config, name, initial);
        }
        if (layer instanceof Conv3D config) {
            return conv(config, initial.get(name + "kernel"), initial.get(name + "bias"), logits);
        }
        if (layer instanceof SpaceToDepth config) {
            return x -> spaceToDepth(x, config.blockSize());
        }
        if (layer instanceof DepthToSpace config) {
            return x -> depthToSpace(x, config.blockSize());
        }
        throw new FramecastException("The comparison with PyTorch has no layer " + layer.type() + ".");
    }

    private Layer convLstm(ConvLstm2D config, HostTensor kernel, HostTensor recurrentKernel, HostTensor bias) {
        requirePlain(config, config.strides(), config.dilationRate(), config.padding());
        Tensor input = tensor(kernel).permute(3, 2, 0, 1);
        Tensor recurrent = tensor(recurrentKernel).permute(3, 2, 0, 1);
        Tensor b = parameter(tensor(bias), MemoryFormat.Contiguous);
        if (ahead) {
            return new Ahead(config, parameter(input, format), parameter(recurrent, format), b);
        }
        Tensor both = parameter(cat(new TensorVector(input, recurrent), 1), format);
        return new Concatenated(config, both, b);
    }

    /** A cell with one convolution of the frame and the previous state, concatenated. */
    private final class Concatenated implements Layer {
        private final ConvLstm2D config;
        private final Tensor kernel;
        private final Tensor bias;

        Concatenated(ConvLstm2D config, Tensor kernel, Tensor bias) {
            this.config = config;
            this.kernel = kernel;
            this.bias = bias;
        }

        @Override
        public Tensor forward(Tensor x) {
            Tensor w = kernel.to(operands);
            TensorOptional b = new TensorOptional(bias.to(operands));
            Tensor h = torch.zeros(batch, config.filters(), x.size(2), x.size(3)).to(values).contiguous(format);
            Tensor c = h;
            TensorVector inputs = x.to(operands).chunk(frames, 0);
            TensorVector outputs = new TensorVector();
            for (long t = 0; t < frames; t++) {
                Tensor z = convolve(cat(new TensorVector(inputs.get(t), h.to(operands)), 1), w, b);
                TensorVector gates = z.chunk(4, 1);
                c = cell(config, gates, c);
                h = output(config, gates, c);
                outputs.push_back(h);
            }
            return cat(outputs, 0);
        }
    }

    /**
     * A cell that adds the convolution of the state to that of the input, which is computed for all frames in advance.
     */
    private final class Ahead implements Layer {
        private final ConvLstm2D config;
        private final Tensor kernel;
        private final Tensor recurrentKernel;
        private final Tensor bias;

        Ahead(ConvLstm2D config, Tensor kernel, Tensor recurrentKernel, Tensor bias) {
            this.config = config;
            this.kernel = kernel;
            this.recurrentKernel = recurrentKernel;
            this.bias = bias;
        }

        @Override
        public Tensor forward(Tensor x) {
            Tensor w = recurrentKernel.to(operands);
            TensorOptional none = new TensorOptional();
            // Chunks instead of slices: the gradient of a slice would have the size of all frames.
            TensorVector inputs = convolve(x.to(operands), kernel.to(operands),
                    new TensorOptional(bias.to(operands))).chunk(frames, 0);
            TensorVector outputs = new TensorVector();
            Tensor h = null;
            Tensor c = null;
            for (long t = 0; t < frames; t++) {
                Tensor z = inputs.get(t);
                if (t > 0) {
                    z = z.add(convolve(h.to(operands), w, none));
                }
                TensorVector gates = z.chunk(4, 1);
                c = cell(config, gates, c);
                h = output(config, gates, c);
                outputs.push_back(h);
            }
            return cat(outputs, 0);
        }
    }

    private Tensor cell(ConvLstm2D config, TensorVector gates, Tensor c) {
        Tensor added = activate(gates.get(0), config.recurrentActivation())
                .mul(activate(gates.get(2), config.activation())).to(values);
        return c == null ? added : activate(gates.get(1), config.recurrentActivation()).mul(c).add(added);
    }

    private static Tensor output(ConvLstm2D config, TensorVector gates, Tensor c) {
        return activate(gates.get(3), config.recurrentActivation()).mul(activate(c, config.activation()));
    }

    private Layer batchNorm(BatchNormalization config, String name, Map<String, HostTensor> initial) {
        Tensor gamma = parameter(tensor(initial.get(name + "gamma")), MemoryFormat.Contiguous);
        Tensor beta = parameter(tensor(initial.get(name + "beta")), MemoryFormat.Contiguous);
        Tensor mean = kept(tensor(initial.get(name + "moving_mean")).to(values));
        Tensor variance = kept(tensor(initial.get(name + "moving_variance")).to(values));
        statistics.add(mean);
        statistics.add(variance);
        return x -> batch_norm(x, new TensorOptional(gamma), new TensorOptional(beta), new TensorOptional(mean),
                new TensorOptional(variance), true, 1 - config.momentum(), config.epsilon(), false);
    }

    private static void requirePlain(LayerConfig config, Pair strides, Pair dilationRate, String padding) {
        if (!strides.equals(Pair.ONE) || !dilationRate.equals(Pair.ONE) || !padding.equals("same")) {
            throw new FramecastException("The comparison with PyTorch has " + config.type() + " with \"padding\": "
                    + "\"same\" only, and without strides and dilation.");
        }
    }

    private Layer conv(Conv3D config, HostTensor kernel, HostTensor bias, boolean logits) {
        requirePlain(config, config.strides(), config.dilationRate(), config.padding());
        Tensor b = parameter(tensor(bias), MemoryFormat.Contiguous);
        Tensor all = tensor(kernel).permute(4, 3, 0, 1, 2);
        Activation activation = logits ? Activation.LINEAR : config.activation();
        if (config.kernelFrames() == 1) {
            Tensor w = parameter(all.select(2, 0), format);
            return x -> activate(convolve(x.to(operands), w.to(operands), new TensorOptional(b.to(operands))),
                    activation);
        }
        MemoryFormat volumes = format == MemoryFormat.ChannelsLast ? MemoryFormat.ChannelsLast3d : format;
        Tensor w = parameter(all, volumes);
        return x -> {
            // (frames*batch, c, h, w) to (batch, c, frames, h, w), and back.
            Tensor videos = x.to(operands).view(frames, batch, x.size(1), x.size(2), x.size(3))
                    .permute(1, 2, 0, 3, 4).contiguous(volumes);
            Tensor y = conv3d(videos, w.to(operands), new TensorOptional(b.to(operands)), new long[] {1, 1, 1},
                    "same", new long[] {1, 1, 1}, 1);
            return activate(y.permute(2, 0, 1, 3, 4).reshape(frames * batch, config.filters(), x.size(2), x.size(3)),
                    activation);
        };
    }

    private Tensor spaceToDepth(Tensor x, long block) {
        long height = x.size(2) / block;
        long width = x.size(3) / block;
        return x.reshape(x.size(0), x.size(1), height, block, width, block).permute(0, 3, 5, 1, 2, 4)
                .reshape(x.size(0), block * block * x.size(1), height, width).contiguous(format);
    }

    private Tensor depthToSpace(Tensor x, long block) {
        long channels = x.size(1) / (block * block);
        return x.reshape(x.size(0), block, block, channels, x.size(2), x.size(3)).permute(0, 3, 4, 1, 5, 2)
                .reshape(x.size(0), channels, x.size(2) * block, x.size(3) * block).contiguous(format);
    }

    private static Tensor convolve(Tensor x, Tensor kernel, TensorOptional bias) {
        return conv2d(x, kernel, bias, new long[] {1, 1}, "same", new long[] {1, 1}, 1);
    }

    private static Tensor activate(Tensor x, Activation activation) {
        return switch (activation) {
            case LINEAR -> x;
            case RELU -> x.relu();
            case SIGMOID -> x.sigmoid();
            case TANH -> x.tanh();
            case HARD_SIGMOID -> torch.hardsigmoid(x);
            case HARD_SIGMOID_KERAS2 -> x.mul(new Scalar(0.2)).add(new Scalar(0.5))
                    .clamp(new ScalarOptional(new Scalar(0.0)), new ScalarOptional(new Scalar(1.0)));
        };
    }

    private Tensor parameter(Tensor initial, MemoryFormat as) {
        Tensor parameter = kept(initial.detach().clone().to(values).contiguous(as).set_requires_grad(true));
        trained.add(parameter);
        return parameter;
    }

    /** Keeps a tensor beyond the scope that it was created in; {@link TorchTraining} closes it. */
    private static Tensor kept(Tensor tensor) {
        tensor.retainReference();
        return tensor;
    }

    /** A copy. */
    static Tensor tensor(HostTensor values) {
        long[] shape = new long[values.shape().length];
        for (int k = 0; k < shape.length; k++) {
            shape[k] = values.shape()[k];
        }
        return tensor(values.values(), shape);
    }

    /** A copy. */
    static Tensor tensor(float[] values, long... shape) {
        // Cloned, as the wrapped memory is freed at the end of the scope.
        return torch.from_blob(new FloatPointer(values), shape).clone();
    }
}
