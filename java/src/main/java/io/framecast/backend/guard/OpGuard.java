package io.framecast.backend.guard;

import io.framecast.FramecastException;
import io.framecast.Remedy;
import io.framecast.backend.AdamOp;
import io.framecast.backend.AddSpec;
import io.framecast.backend.AllReduceOp;
import io.framecast.backend.BatchNormOp;
import io.framecast.backend.BatchNormSpec;
import io.framecast.backend.BlendOp;
import io.framecast.backend.BlockMatchingSpec;
import io.framecast.backend.ClipOp;
import io.framecast.backend.ConcatenateSpec;
import io.framecast.backend.Conv3dSpec;
import io.framecast.backend.Conv3dTransposeSpec;
import io.framecast.backend.ConvLstmOp;
import io.framecast.backend.ConvLstmSpec;
import io.framecast.backend.Elementwise;
import io.framecast.backend.ElementwiseSpec;
import io.framecast.backend.LayerNormSpec;
import io.framecast.backend.LayeredAdvectionSpec;
import io.framecast.backend.LossOp;
import io.framecast.backend.Matrices;
import io.framecast.backend.MultiInputOp;
import io.framecast.backend.MuonOp;
import io.framecast.backend.Op;
import io.framecast.backend.Padding;
import io.framecast.backend.Plan;
import io.framecast.backend.PoolingSpec;
import io.framecast.backend.Program;
import io.framecast.backend.SpaceToDepthSpec;
import io.framecast.backend.Tensor;
import io.framecast.backend.UpSamplingSpec;
import io.framecast.backend.Weights;
import io.framecast.text.Count;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.function.Supplier;

/**
 * Checks what a backend and its ops are given, so that no wrong call reads or writes outside device memory. A backend
 * holds one guard, asks it to make each op, and extends {@link GuardedTensor}; the ops themselves check nothing.
 *
 * <ul>
 * <li>{@link IllegalArgumentException}: shapes that do not fit, with both of them; a tensor that is null or of another
 *     backend. {@link IndexOutOfBoundsException}: a range outside a tensor or an array.
 * <li>{@link IllegalStateException}: use after close, of the backend, the op or a tensor; calls out of order, such as
 *     backward without a forward.
 * <li>{@link FramecastException}: an op of more values than any memory holds, as where there is too little memory.
 * </ul>
 *
 * A rejected call changes nothing. All may be closed twice, and in any order.
 *
 * <p>A backend is for one thread at a time. Each call holds the guard's monitor, so that calls from several threads by
 * mistake run one after the other, and none frees memory that another is using.
 */
public final class OpGuard {

    /** Far beyond any memory, and far enough below 2^63 that byte counts of an op's buffers do not overflow. */
    private static final long MOST_VALUES = 1L << 48;

    private boolean closed;
    private long closes;

    /**
     * From now on, all that was made may only be closed.
     *
     * @return false if it was closed before
     */
    public synchronized boolean close() {
        boolean first = !closed;
        closed = true;
        return first;
    }

    /** @throws IllegalStateException if the backend is closed */
    public void requireOpen() {
        if (closed) {
            throw new IllegalStateException("The backend is closed.");
        }
    }

    /**
     * A program that runs only while its backend and itself are open.
     *
     * @param make records the work anew: a recording holds addresses of memory that a close gives back
     */
    public synchronized Program program(Supplier<Program> make) {
        requireOpen();
        return new GuardedProgram(this, make);
    }

    /** How many ops and tensors have been closed so far. */
    long closes() {
        return closes;
    }

    void addClose() {
        closes++;
    }

    /** Checks the size of a new tensor. */
    public void requireTensorSize(long size) {
        requireOpen();
        if (size < 0) {
            throw new IllegalArgumentException("A tensor cannot have " + size + " values.");
        }
        if (size > MOST_VALUES) {
            throw new FramecastException("A tensor of " + size + " values is too large for any memory; choose a "
                    + "smaller batch, shorter videos or a smaller model.", Remedy.SMALLER_BATCH);
        }
    }

    public synchronized ConvLstmOp convLstm(ConvLstmSpec spec, Plan plan, Weights kernel, Weights recurrentKernel,
            Weights bias, Supplier<ConvLstmOp> make) {
        Creation creation = new Creation("ConvLSTM2D", plan);
        creation.requirePositive("filters", spec.filters());
        creation.requirePositive("kernel height and width", spec.kernelHeight(), spec.kernelWidth());
        creation.requirePositive("strides", spec.strideHeight(), spec.strideWidth());
        creation.requirePositive("dilation", spec.dilationHeight(), spec.dilationWidth());
        FrameSize input = creation.frame(spec.height(), spec.width(), spec.channels());
        FrameSize output = creation.frame(
                Padding.outputs(spec.same(), spec.height(), spec.kernelHeight(), spec.strideHeight(),
                        spec.dilationHeight()),
                Padding.outputs(spec.same(), spec.width(), spec.kernelWidth(), spec.strideWidth(),
                        spec.dilationWidth()),
                spec.filters());
        int gates = ConvLstmSpec.GATES;
        creation.weights("kernel", kernel, spec.kernelHeight(), spec.kernelWidth(), spec.channels(), gates,
                spec.filters());
        creation.weights("recurrent kernel", recurrentKernel, spec.kernelHeight(), spec.kernelWidth(), spec.filters(),
                gates, spec.filters());
        creation.weights("bias", bias, gates, spec.filters());
        return new GuardedConvLstm(creation.checks(input, output), make.get());
    }

    public synchronized BatchNormOp batchNorm(BatchNormSpec spec, Plan plan, Weights gamma, Weights beta,
            Tensor movingMean, Tensor movingVariance, Supplier<BatchNormOp> make) {
        Creation creation = new Creation("BatchNormalization", plan);
        FrameSize frame = creation.frame(spec.height(), spec.width(), spec.channels());
        creation.weights("gamma", gamma, spec.channels());
        creation.weights("beta", beta, spec.channels());
        creation.tensor("moving mean", movingMean, spec.channels());
        creation.tensor("moving variance", movingVariance, spec.channels());
        return new GuardedBatchNorm(creation.checks(frame, frame), make.get());
    }

    public synchronized Op conv3d(Conv3dSpec spec, Plan plan, Weights kernel, Weights bias, Supplier<Op> make) {
        Creation creation = new Creation("Conv3D", plan);
        creation.requirePositive("filters", spec.filters());
        creation.requirePositive("kernel frames, height and width", spec.kernelFrames(), spec.kernelHeight(),
                spec.kernelWidth());
        creation.requirePositive("strides", spec.strideHeight(), spec.strideWidth());
        creation.requirePositive("dilation", spec.dilationHeight(), spec.dilationWidth());
        FrameSize input = creation.frame(spec.height(), spec.width(), spec.channels());
        FrameSize output = creation.frame(spec.outHeight(), spec.outWidth(), spec.filters());
        creation.weights("kernel", kernel, spec.kernelFrames(), spec.kernelHeight(), spec.kernelWidth(),
                spec.channels(), spec.filters());
        creation.weights("bias", bias, spec.filters());
        return new GuardedOp<>(creation.checks(input, output), make.get());
    }

    public synchronized Op conv3dTranspose(Conv3dTransposeSpec spec, Plan plan, Weights kernel, Weights bias,
            Supplier<Op> make) {
        Creation creation = new Creation("Conv3DTranspose", plan);
        creation.requirePositive("filters", spec.filters());
        creation.requirePositive("kernel frames, height and width", spec.kernelFrames(), spec.kernelHeight(),
                spec.kernelWidth());
        creation.requirePositive("strides", spec.strideHeight(), spec.strideWidth());
        FrameSize input = creation.frame(spec.height(), spec.width(), spec.channels());
        creation.requireCountable(spec.height(), Math.max(spec.kernelHeight(), spec.strideHeight()));
        creation.requireCountable(spec.width(), Math.max(spec.kernelWidth(), spec.strideWidth()));
        FrameSize output = creation.frame(spec.outHeight(), spec.outWidth(), spec.filters());
        creation.weights("kernel", kernel, spec.kernelFrames(), spec.kernelHeight(), spec.kernelWidth(),
                spec.filters(), spec.channels());
        creation.weights("bias", bias, spec.filters());
        return new GuardedOp<>(creation.checks(input, output), make.get());
    }

    public synchronized Op layerNorm(LayerNormSpec spec, Plan plan, Weights gamma, Weights beta, Supplier<Op> make) {
        Creation creation = new Creation("LayerNormalization", plan);
        FrameSize frame = creation.frame(spec.height(), spec.width(), spec.channels());
        creation.weights("gamma", gamma, spec.channels());
        creation.weights("beta", beta, spec.channels());
        return new GuardedOp<>(creation.checks(frame, frame), make.get());
    }

    public synchronized Op elementwise(ElementwiseSpec spec, Plan plan, Supplier<Op> make) {
        Creation creation = new Creation(spec.function() == Elementwise.LEAKY_RELU ? "LeakyReLU"
                : spec.function() == Elementwise.RESCALING ? "Rescaling" : "Activation", plan);
        FrameSize frame = creation.frame(spec.height(), spec.width(), spec.channels());
        return new GuardedOp<>(creation.checks(frame, frame), make.get());
    }

    public synchronized Op pooling(PoolingSpec spec, Plan plan, Supplier<Op> make) {
        Creation creation = new Creation(spec.max() ? "MaxPooling3D" : "AveragePooling3D", plan);
        creation.requirePositive("pool height and width", spec.poolHeight(), spec.poolWidth());
        creation.requirePositive("strides", spec.strideHeight(), spec.strideWidth());
        FrameSize input = creation.frame(spec.height(), spec.width(), spec.channels());
        FrameSize output = creation.frame(spec.outHeight(), spec.outWidth(), spec.channels());
        return new GuardedOp<>(creation.checks(input, output), make.get());
    }

    public synchronized Op upSampling(UpSamplingSpec spec, Plan plan, Supplier<Op> make) {
        Creation creation = new Creation("UpSampling3D", plan);
        creation.requirePositive("size", spec.scaleHeight(), spec.scaleWidth());
        FrameSize input = creation.frame(spec.height(), spec.width(), spec.channels());
        creation.requireCountable(spec.height(), spec.scaleHeight());
        creation.requireCountable(spec.width(), spec.scaleWidth());
        FrameSize output = creation.frame(spec.height() * spec.scaleHeight(), spec.width() * spec.scaleWidth(),
                spec.channels());
        return new GuardedOp<>(creation.checks(input, output), make.get());
    }

    public synchronized Op spaceToDepth(SpaceToDepthSpec spec, Plan plan, Supplier<Op> make) {
        Creation creation = new Creation(spec.inverse() ? "DepthToSpace" : "SpaceToDepth", plan);
        int block = spec.block();
        creation.requirePositive("block", block);
        FrameSize space = creation.frame(spec.height(), spec.width(), spec.channels());
        creation.requireBlocks(space, block);
        FrameSize depth = creation.frame(spec.height() / block, spec.width() / block,
                (int) Math.min(Integer.MAX_VALUE, (double) spec.channels() * block * block));
        return new GuardedOp<>(spec.inverse() ? creation.checks(depth, space) : creation.checks(space, depth),
                make.get());
    }

    public synchronized ConvLstmOp blockMatching(BlockMatchingSpec spec, Plan plan, Supplier<ConvLstmOp> make) {
        Creation creation = new Creation("BlockMatching2D", plan);
        creation.requirePositive("block, largest displacement and window", spec.block(), spec.reach(), spec.window());
        if (spec.window() % 2 == 0) {
            throw creation.illegal("cannot have a window of " + spec.window() + " blocks: it must be odd");
        }
        FrameSize input = creation.frame(spec.height(), spec.width(), spec.channels());
        creation.requireBlocks(input, spec.block());
        if (plan.inputGradients().contains(true)) {
            throw creation.illegal("has no gradient of its input, and was planned for one");
        }
        FrameSize output = creation.frame(spec.height() / spec.block(), spec.width() / spec.block(),
                BlockMatchingSpec.OUTPUTS);
        // Ops keep a value for each block and displacement of a frame, and count these with 32 bits.
        if (Math.pow(2.0 * spec.reach() + 1, 2) * output.height() * output.width() > Integer.MAX_VALUE) {
            throw creation.tooLarge(output.height() + " x " + output.width() + " blocks and displacements of up to "
                    + spec.reach() + " pixels");
        }
        return new GuardedConvLstm(creation.checks(input, output), make.get());
    }

    public synchronized MultiInputOp add(AddSpec spec, Plan plan, Supplier<MultiInputOp> make) {
        Creation creation = new Creation("Add", plan);
        creation.requireSeveral(spec.inputs());
        FrameSize frame = creation.frame(spec.height(), spec.width(), spec.channels());
        return new GuardedMultiInputOp(creation.checks(Collections.nCopies(spec.inputs(), frame), frame), make.get());
    }

    public synchronized MultiInputOp concatenate(ConcatenateSpec spec, Plan plan, Supplier<MultiInputOp> make) {
        Creation creation = new Creation("Concatenate", plan);
        creation.requireSeveral(spec.channels().size());
        List<FrameSize> inputs = spec.channels().stream()
                .map(count -> creation.frame(spec.height(), spec.width(), count)).toList();
        long channels = spec.channels().stream().mapToLong(Integer::longValue).sum();
        if (channels > Integer.MAX_VALUE) {
            throw creation.tooLarge(channels + " channels");
        }
        FrameSize output = creation.frame(spec.height(), spec.width(), (int) channels);
        return new GuardedMultiInputOp(creation.checks(inputs, output), make.get());
    }

    public synchronized MultiInputOp layeredAdvection(LayeredAdvectionSpec spec, Plan plan,
            Supplier<MultiInputOp> make) {
        Creation creation = new Creation("LayeredAdvection2D", plan);
        int block = spec.block();
        creation.requirePositive("block", block);
        creation.requirePositive("layers", spec.layers());
        creation.requirePositive("largest displacement", spec.maxDisplacement());
        if (!(spec.flowPrecision() >= 0) || Float.isInfinite(spec.flowPrecision())) {
            throw creation.illegal("cannot have a flow precision of " + spec.flowPrecision());
        }
        FrameSize frame = creation.frame(spec.height(), spec.width(), spec.channels());
        creation.requireBlocks(frame, block);
        if (spec.flowChannels() < 2) {
            throw creation.illegal("needs a flow of at least 2 channels, not " + spec.flowChannels());
        }
        // The layers themselves are no input, but the state.
        creation.frame(spec.height(), spec.width(), channels((double) spec.layers() * spec.channels()));
        FrameSize gates = creation.frame(spec.height(), spec.width(), channels(spec.layers() + 1.0));
        FrameSize filters = creation.frame(spec.height() / block, spec.width() / block,
                channels(spec.layers() * 2.0 * (2.0 * spec.maxDisplacement() + 1)));
        FrameSize flow = creation.frame(spec.height() / block, spec.width() / block, spec.flowChannels());
        return new GuardedMultiInputOp(creation.checks(List.of(frame, gates, filters, flow), frame), make.get());
    }

    /** A number of channels; too large a one stays too large. */
    private static int channels(double count) {
        return (int) Math.min(Integer.MAX_VALUE, count);
    }

    /** @param size the most elements the loss is planned for */
    public synchronized LossOp loss(long size, Supplier<LossOp> make) {
        requireOpen();
        if (size < 1 || size > MOST_VALUES) {
            throw new IllegalArgumentException("A loss cannot be planned for " + size + " elements.");
        }
        return new GuardedLoss(this, size, make.get());
    }

    public synchronized AdamOp adam(Tensor parameters, Tensor gradients, Supplier<AdamOp> make) {
        requireOpen();
        requirePair("Adam", parameters, gradients);
        return new GuardedAdam(this, parameters, gradients, make.get());
    }

    public synchronized MuonOp muon(Tensor parameters, Tensor gradients, List<Matrices> matrices, double momentum,
            Supplier<MuonOp> make) {
        requireOpen();
        requirePair("Muon", parameters, gradients);
        if (!(momentum >= 0 && momentum < 1)) {
            throw new IllegalArgumentException("Muon cannot have a momentum of " + momentum + ".");
        }
        if (matrices.isEmpty()) {
            throw new IllegalArgumentException("Muon was given no matrix.");
        }
        for (Matrices some : matrices) {
            if (some.count() < 1 || some.rows() < 1 || some.columns() < 1) {
                throw new IllegalArgumentException("Muon was given matrices without values: " + some + ".");
            }
            if (some.offset() < 0 || some.offset() > parameters.size() - some.size()) {
                throw new IllegalArgumentException("Muon was given matrices outside its " + parameters.size()
                        + " parameters: " + some + ".");
            }
        }
        return new GuardedMuon(this, parameters, gradients, make.get());
    }

    /** Checks an optimiser's parameters and gradients. */
    private void requirePair(String optimiser, Tensor parameters, Tensor gradients) {
        require(parameters, optimiser + "'s parameters");
        require(gradients, optimiser + "'s gradients");
        if (parameters.size() != gradients.size()) {
            throw new IllegalArgumentException(optimiser + " was given " + parameters.size() + " parameters and "
                    + gradients.size() + " gradients.");
        }
    }

    public synchronized ClipOp clip(Tensor gradients, double norm, Supplier<ClipOp> make) {
        requireOpen();
        require(gradients, "The gradients to clip");
        if (!(norm > 0) || Double.isInfinite(norm)) {
            throw new IllegalArgumentException("Gradients cannot be clipped to a norm of " + norm + ".");
        }
        return new GuardedClip(this, gradients, make.get());
    }

    /** @param rows the number of rates */
    public synchronized BlendOp blend(int rows, Supplier<BlendOp> make) {
        requireOpen();
        if (rows < 1) {
            throw new IllegalArgumentException("A blend cannot be planned for " + rows + " rows.");
        }
        return new GuardedBlend(this, rows, make.get());
    }

    /** Whether buckets overlap is for the caller to know: they are views. */
    public synchronized AllReduceOp allReduce(List<Tensor> buckets, Supplier<AllReduceOp> make) {
        requireOpen();
        if (buckets.isEmpty()) {
            throw new IllegalArgumentException("A sum over processes was given no bucket.");
        }
        for (Tensor bucket : buckets) {
            require(bucket, "A sum over processes");
        }
        return new GuardedAllReduce(this, List.copyOf(buckets), make.get());
    }

    /**
     * Checks that a tensor is one of this backend and not closed.
     *
     * @param what of whose, to begin a sentence with
     */
    void require(Tensor tensor, String what) {
        if (tensor == null) {
            throw new IllegalArgumentException(what + ": the tensor is null.");
        }
        if (!(tensor instanceof GuardedTensor guarded) || guarded.guard() != this) {
            throw new IllegalArgumentException(what + ": the tensor belongs to another backend.");
        }
        if (guarded.isClosed()) {
            throw new IllegalStateException(what + ": the tensor is closed.");
        }
    }

    /** An op that is about to be made: checks its sizes, and collects the tensors that it will hold. */
    private final class Creation {

        private final String name;
        private final Plan plan;
        private final List<Tensor> held = new ArrayList<>();

        Creation(String name, Plan plan) {
            requireOpen();
            this.name = name;
            this.plan = plan;
            requirePositive("frames and videos", plan.frames(), plan.batch());
            if ((long) plan.frames() * plan.batch() > Integer.MAX_VALUE) {
                throw tooLarge(plan.frames() + " frames of " + plan.batch() + " videos");
            }
        }

        /** More than any memory holds: it is like running out of memory, which depends on the machine. */
        FramecastException tooLarge(String size) {
            return new FramecastException(name + " cannot be planned for " + size
                    + ": that is too large; choose a smaller batch, shorter videos or a smaller model.",
                    Remedy.SMALLER_BATCH);
        }

        IllegalArgumentException illegal(String what) {
            return new IllegalArgumentException(name + " " + what + ".");
        }

        void requirePositive(String what, int... sizes) {
            if (Arrays.stream(sizes).anyMatch(size -> size < 1)) {
                throw illegal("cannot have " + FrameSize.text(sizes) + " as " + what);
            }
        }

        FrameSize frame(int height, int width, int channels) {
            FrameSize frame = new FrameSize(height, width, channels);
            String size = plan.frames() + " frames of " + plan.batch() + " videos of " + frame;
            if (height < 1 || width < 1 || channels < 1) {
                throw illegal("cannot be planned for " + size);
            }
            // Ops count the values of one frame with 32 bits.
            if ((double) height * width * channels > Integer.MAX_VALUE
                    || (double) plan.frames() * plan.batch() * height * width * channels > MOST_VALUES) {
                throw tooLarge(size);
            }
            return frame;
        }

        /** That an axis that becomes so many times as long has a length of 32 bits, with some room. */
        void requireCountable(int length, int factor) {
            if ((length + 1L) * factor > Integer.MAX_VALUE) {
                throw tooLarge(length + " pixels that become " + factor + " times as many");
            }
        }

        void requireBlocks(FrameSize frame, int block) {
            if (frame.height() % block != 0 || frame.width() % block != 0) {
                throw illegal("cannot cut frames of " + frame + " into blocks of " + block + " x " + block);
            }
        }

        void weights(String what, Weights weights, int... shape) {
            if (weights == null) {
                throw illegal("was given no " + what);
            }
            tensor(what, weights.value(), shape);
            if (plan.training()) {
                tensor("gradient of the " + what, weights.gradient(), shape);
            }
        }

        void tensor(String what, Tensor tensor, int... shape) {
            require(tensor, name + "'s " + what);
            double size = Arrays.stream(shape).asDoubleStream().reduce(1, (a, b) -> a * b);
            if (tensor.size() != size) {
                throw illegal("has a " + what + " of " + FrameSize.text(shape) + " and was given a tensor of "
                        + tensor.size() + " values");
            }
            held.add(tensor);
        }

        void requireSeveral(int inputs) {
            if (inputs < 2) {
                throw illegal("takes at least 2 inputs, not " + inputs);
            }
        }

        OpChecks checks(FrameSize input, FrameSize output) {
            return checks(List.of(input), output);
        }

        OpChecks checks(List<FrameSize> inputs, FrameSize output) {
            if (plan.inputGradients().size() != inputs.size()) {
                throw illegal("has " + Count.of(inputs.size(), "input") + " and was planned for the gradients of "
                        + plan.inputGradients().size());
            }
            return new OpChecks(OpGuard.this, name, plan, inputs, output, List.copyOf(held));
        }
    }
}
