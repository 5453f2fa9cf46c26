package io.framecast.peer;

import io.framecast.FramecastException;
import io.framecast.nn.FrameShape;
import io.framecast.nn.HostTensor;
import io.framecast.nn.ModelConfig;
import io.framecast.tools.bench.Peer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.bytedeco.javacpp.DoublePointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Adam;
import org.bytedeco.pytorch.AdamOptions;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * A network with PyTorch's own Adam. A scope frees the tensors and the autograd graph at the end of each step, without
 * the garbage collector.
 */
final class TorchTraining implements Peer.Training {

    private static final double LEARNING_RATE = 1e-3;
    private static final double BETA_2 = 0.999;
    /** Keras's default; PyTorch's is 1e-8. */
    private static final double EPSILON = 1e-7;

    static {
        // Can be set only before the inter-op threads start. One is enough: the operators of a step depend on each
        // other.
        torch.set_num_interop_threads(1);
    }

    private final ScalarType values;
    private final FrameShape frame;
    private final long images;
    private final TorchNetwork network;
    private final Adam adam;
    private final List<Pointer> owned = new ArrayList<>();
    private long steps;

    /**
     * @param operands the type of the operands of convolutions
     * @param values the type of all other computations
     */
    TorchTraining(ModelConfig model, Map<String, HostTensor> initial, ScalarType operands, ScalarType values,
            int batch, int frames, Idiom idiom) {
        this.values = values;
        frame = model.input();
        images = (long) frames * batch;
        PointerScope scope = new PointerScope();
        try {
            network = new TorchNetwork(model, initial, operands, values, batch, frames, idiom);
            adam = new Adam(new TensorVector(network.trained().toArray(Tensor[]::new)),
                    new AdamOptions(LEARNING_RATE));
            adam.retainReference();
            owned.add(adam);
            owned.addAll(network.trained());
            owned.addAll(network.statistics());
        } finally {
            scope.close();
        }
    }

    @Override
    public double step(float[] inputs, float[] targets) {
        return loss(inputs, targets, true);
    }

    /** The mean loss, then a step of Adam if {@code training}. */
    double loss(float[] inputs, float[] targets, boolean training) {
        PointerScope scope = new PointerScope();
        try {
            Tensor loss = torch.binary_cross_entropy_with_logits(network.forward(images(inputs)), images(targets));
            if (training) {
                adam.zero_grad(true);
                loss.backward();
                // Keras adds epsilon before the bias correction of v, PyTorch after it. This epsilon makes the updates
                // equal.
                epsilon().put(EPSILON / Math.sqrt(1 - Math.pow(BETA_2, ++steps)));
                adam.step();
            }
            return loss.item_double();
        } catch (RuntimeException e) {
            // A C++ exception, for example for lack of memory. Its first line is the reason; the others are the stack
            // trace.
            String why = String.valueOf(e.getMessage()).lines().findFirst().orElse("").replaceFirst("\\.$", "");
            throw new FramecastException("PyTorch failed: " + why + "; choose a smaller --batch-size or model if it is "
                    + "memory that it lacks.", e);
        } finally {
            scope.close();
        }
    }

    private DoublePointer epsilon() {
        return new AdamOptions(adam.param_groups().get(0).options()).eps();
    }

    /** A view of (frames, batch, height, width, channels) as (frames*batch, channels, height, width). */
    private Tensor images(float[] pixels) {
        return TorchNetwork.tensor(pixels, images, frame.height(), frame.width(), frame.channels()).to(values)
                .permute(0, 3, 1, 2);
    }

    @Override
    public void close() {
        owned.forEach(Pointer::releaseReference);
        owned.clear();
    }
}
