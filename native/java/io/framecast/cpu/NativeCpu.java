package io.framecast.cpu;

import io.framecast.FramecastException;
import io.framecast.Remedy;
import io.framecast.system.JavaCpp;
import org.bytedeco.javacpp.DoublePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.annotation.ByRef;
import org.bytedeco.javacpp.annotation.Cast;
import org.bytedeco.javacpp.annotation.Const;
import org.bytedeco.javacpp.annotation.MemberGetter;
import org.bytedeco.javacpp.annotation.MemberSetter;
import org.bytedeco.javacpp.annotation.Name;
import org.bytedeco.javacpp.annotation.Namespace;
import org.bytedeco.javacpp.annotation.Platform;
import org.bytedeco.javacpp.annotation.StdString;

/**
 * The JavaCPP bindings of the C++ code in native/cpu: one Java method for each C++ method. The C++ headers document
 * them. {@link Pointer#close()} frees an object. A C++ exception becomes a {@link RuntimeException} with its message.
 * Enumerations are passed by the names of their constants.
 */
@Platform(
        value = "linux-x86_64",
        include = {"device.h", "convlstm.h", "direct_convlstm.h", "winograd_convlstm.h", "batch_norm.h", "conv3d.h",
                "conv3d_transpose.h", "layer_norm.h", "elementwise.h", "windows.h", "advection.h", "pointwise.h",
                "muon.h", "merge.h", "block_matching.h", "ceilings.h"},
        link = "framecast_cpu",
        // oneDNN and its OpenMP runtime are loaded from the jar of org.bytedeco:dnnl.
        preload = {"gomp@.1", "dnnl@.3"},
        preloadresource = "/org/bytedeco/dnnl/",
        library = "jniframecast_cpu")
@Namespace("framecast")
public final class NativeCpu {

    private NativeCpu() {
    }

    /**
     * Loads the libraries. Must be called before all other methods of this class.
     *
     * @throws FramecastException if the libraries cannot be loaded, or are not part of this build
     */
    public static void load() {
        if (NativeCpu.class.getResource("linux-x86_64/libjniframecast_cpu.so") == null) {
            throw new FramecastException("Computing on the CPU is not part of this slim bundle; use a CUDA device, or "
                    + "the whole bundle.", Remedy.CUDA);
        }
        JavaCpp.load(NativeCpu.class);
    }

    public static class Device extends Pointer {
        public Device(int threads, String operands) {
            allocate(threads, operands);
        }

        private native void allocate(int threads, String operands);

        public static native @Cast("bool") boolean native_bf16();

        public static native @Cast("const char*") String isa();

        public native int threads();

        public native @Cast("long long") long bytes_in_use();

        public native @Cast("long long") long peak_bytes();

        public native @ByRef Profile profile();
    }

    public static class Profile extends Pointer {
        public native void enable(@Cast("bool") boolean on);

        public native int size();

        public native @Const @ByRef OpCost cost(int index);

        public native void clear();
    }

    public static class OpCost extends Pointer {
        public native @MemberGetter @StdString String op();

        public native @MemberGetter double seconds();

        public native @MemberGetter double flop();

        public native @MemberGetter double bytes();
    }

    public static class Memory extends Pointer {
        public Memory(Device device, long bytes) {
            allocate(device, bytes);
        }

        private native void allocate(@ByRef Device device, @Cast("size_t") long bytes);

        public native FloatPointer floats();
    }

    public static class ConvolutionShape extends Pointer {
        public ConvolutionShape() {
            allocate();
        }

        private native void allocate();

        public native @MemberSetter void height(int value);

        public native @MemberSetter void width(int value);

        public native @MemberSetter @Name("in") void inputs(int value);

        public native @MemberSetter @Name("out") void outputs(int value);

        public native @MemberSetter void kernel_height(int value);

        public native @MemberSetter void kernel_width(int value);

        public native @MemberSetter void stride_height(int value);

        public native @MemberSetter void stride_width(int value);

        public native @MemberSetter void dilation_height(int value);

        public native @MemberSetter void dilation_width(int value);

        public native @MemberSetter void same(@Cast("bool") boolean value);

        public native @Cast("size_t") long output_size();
    }

    public static class ConvLstmPlan extends Pointer {
        public ConvLstmPlan() {
            allocate();
        }

        private native void allocate();

        public native @MemberGetter @ByRef ConvolutionShape input();

        public native void set_activations(String activation, String recurrent);

        public native @MemberSetter void frames(int value);

        public native @MemberSetter void batch(int value);

        public native @MemberSetter void training(@Cast("bool") boolean value);

        public native @MemberSetter void input_gradient(@Cast("bool") boolean value);

        public native @MemberSetter void kernel(@Const FloatPointer value);

        public native @MemberSetter void recurrent_kernel(@Const FloatPointer value);

        public native @MemberSetter void bias(@Const FloatPointer value);

        public native @MemberSetter void kernel_gradient(FloatPointer value);

        public native @MemberSetter void recurrent_kernel_gradient(FloatPointer value);

        public native @MemberSetter void bias_gradient(FloatPointer value);
    }

    public abstract static class ConvLstm extends Pointer {
        public native FloatPointer forward(@Const FloatPointer x, int frames, int batch);

        public native FloatPointer backward(@Const FloatPointer dy);

        public native void begin();

        public native FloatPointer step(@Const FloatPointer x, int frames, int batch, int commit);
    }

    public static class DirectConvLstm extends ConvLstm {
        public DirectConvLstm(Device device, ConvLstmPlan plan) {
            allocate(device, plan);
        }

        private native void allocate(@ByRef Device device, @Const @ByRef ConvLstmPlan plan);
    }

    public static class WinogradConvLstm extends ConvLstm {
        public WinogradConvLstm(Device device, ConvLstmPlan plan) {
            allocate(device, plan);
        }

        private native void allocate(@ByRef Device device, @Const @ByRef ConvLstmPlan plan);

        public static native @Cast("bool") boolean serves(@Const @ByRef Device device,
                @Const @ByRef ConvolutionShape input, @Cast("bool") boolean training);
    }

    public static class BatchNorm extends Pointer {
        public BatchNorm(Device device, long rows, int channels, double epsilon, double momentum, FloatPointer gamma,
                FloatPointer beta, FloatPointer movingMean, FloatPointer movingVariance, FloatPointer gammaGradient,
                FloatPointer betaGradient) {
            allocate(device, rows, channels, epsilon, momentum, gamma, beta, movingMean, movingVariance,
                    gammaGradient, betaGradient);
        }

        private native void allocate(@ByRef Device device, @Cast("int64_t") long rows, int channels, double epsilon,
                double momentum, @Const FloatPointer gamma, @Const FloatPointer beta, FloatPointer movingMean,
                FloatPointer movingVariance, FloatPointer gammaGradient, FloatPointer betaGradient);

        public native DoublePointer sums(@Const FloatPointer x, @Cast("int64_t") long rows);

        public native FloatPointer forward(@Const FloatPointer x, @Cast("int64_t") long rows,
                @Cast("int64_t") long count);

        public native DoublePointer gradient_sums(@Const FloatPointer dy);

        public native FloatPointer backward(FloatPointer dy);
    }

    public static class Conv3d extends Pointer {
        public Conv3d(Device device, ConvolutionShape shape, int kernelTime, String activation, int frames,
                int batch, boolean training, boolean inputGradient, FloatPointer kernel, FloatPointer bias,
                FloatPointer kernelGradient, FloatPointer biasGradient) {
            allocate(device, shape, kernelTime, activation, frames, batch, training, inputGradient, kernel, bias,
                    kernelGradient, biasGradient);
        }

        private native void allocate(@ByRef Device device, @Const @ByRef ConvolutionShape shape, int kernelTime,
                String activation, int frames, int batch, @Cast("bool") boolean training,
                @Cast("bool") boolean inputGradient, @Const FloatPointer kernel, @Const FloatPointer bias,
                FloatPointer kernelGradient, FloatPointer biasGradient);

        public native FloatPointer forward(@Const FloatPointer x, int frames, int batch);

        public native FloatPointer backward(FloatPointer dy);
    }

    public static class Conv3dTranspose extends Pointer {
        public Conv3dTranspose(Device device, ConvolutionShape shape, int kernelTime, String activation, int frames,
                int batch, boolean training, boolean inputGradient, FloatPointer kernel, FloatPointer bias,
                FloatPointer kernelGradient, FloatPointer biasGradient) {
            allocate(device, shape, kernelTime, activation, frames, batch, training, inputGradient, kernel, bias,
                    kernelGradient, biasGradient);
        }

        private native void allocate(@ByRef Device device, @Const @ByRef ConvolutionShape shape, int kernelTime,
                String activation, int frames, int batch, @Cast("bool") boolean training,
                @Cast("bool") boolean inputGradient, @Const FloatPointer kernel, @Const FloatPointer bias,
                FloatPointer kernelGradient, FloatPointer biasGradient);

        public native FloatPointer forward(@Const FloatPointer x, int frames, int batch);

        public native FloatPointer backward(FloatPointer dy);
    }

    public static class PoolingShape extends Pointer {
        public PoolingShape() {
            allocate();
        }

        private native void allocate();

        public native @MemberSetter void height(int value);

        public native @MemberSetter void width(int value);

        public native @MemberSetter void channels(int value);

        public native @MemberSetter void out_height(int value);

        public native @MemberSetter void out_width(int value);

        public native @MemberSetter void pool_height(int value);

        public native @MemberSetter void pool_width(int value);

        public native @MemberSetter void stride_height(int value);

        public native @MemberSetter void stride_width(int value);

        public native @MemberSetter void pad_top(int value);

        public native @MemberSetter void pad_left(int value);
    }

    public static class AdvectionPlan extends Pointer {
        public AdvectionPlan() {
            allocate();
        }

        private native void allocate();

        public native @MemberSetter void height(int value);

        public native @MemberSetter void width(int value);

        public native @MemberSetter void channels(int value);

        public native @MemberSetter void block(int value);

        public native @MemberSetter void flow_channels(int value);

        public native @MemberSetter void layers(int value);

        public native @MemberSetter void max_displacement(int value);

        public native @MemberSetter void flow_precision(float value);

        public native @MemberSetter void frames(int value);

        public native @MemberSetter void batch(int value);

        public native @MemberSetter void training(@Cast("bool") boolean value);

        public native void set_gradient(int input, @Cast("bool") boolean wanted);
    }

    public static class LayeredAdvection extends Pointer {
        public LayeredAdvection(Device device, AdvectionPlan plan) {
            allocate(device, plan);
        }

        private native void allocate(@ByRef Device device, @Const @ByRef AdvectionPlan plan);

        public native FloatPointer forward(@Const FloatPointer x, @Const FloatPointer gates,
                @Const FloatPointer filters, @Const FloatPointer flow, int frames, int batch);

        public native void backward(@Const FloatPointer dy);

        public native FloatPointer gradient(int input);

        public native void begin();

        public native FloatPointer step(@Const FloatPointer x, @Const FloatPointer gates, @Const FloatPointer filters,
                @Const FloatPointer flow, int frames, int batch, int commit);
    }

    public static class Muon extends Pointer {
        public Muon(Device device, double momentum) {
            allocate(device, momentum);
        }

        private native void allocate(@ByRef Device device, double momentum);

        public native void add(@Cast("int64_t") long offset, int rows, int columns, int pitch);

        public native void update(FloatPointer parameters, @Const FloatPointer gradients, FloatPointer momentum,
                double rate);
    }

    public static class SpaceToDepth extends Pointer {
        public SpaceToDepth(Device device, int images, int height, int width, int channels, int block, boolean inverse,
                boolean inputGradient) {
            allocate(device, images, height, width, channels, block, inverse, inputGradient);
        }

        private native void allocate(@ByRef Device device, int images, int height, int width, int channels, int block,
                @Cast("bool") boolean inverse, @Cast("bool") boolean inputGradient);

        public native FloatPointer forward(@Const FloatPointer x, int images);

        public native FloatPointer backward(@Const FloatPointer dy);
    }

    public static class BlockMatching extends Pointer {
        public BlockMatching(Device device, int frames, int batch, int height, int width, int channels, int block,
                int reach, int window, boolean steps) {
            allocate(device, frames, batch, height, width, channels, block, reach, window, steps);
        }

        private native void allocate(@ByRef Device device, int frames, int batch, int height, int width, int channels,
                int block, int reach, int window, @Cast("bool") boolean steps);

        public native FloatPointer forward(@Const FloatPointer x, int frames, int batch);

        public native void begin();

        public native FloatPointer step(@Const FloatPointer x, int frames, int batch, int commit);
    }

    public static native void add(@ByRef Device device, @Const FloatPointer a, @Const FloatPointer b, FloatPointer y,
            @Cast("int64_t") long size);

    public static native void copy_columns(@ByRef Device device, @Cast("int64_t") long rows, int columns,
            @Const FloatPointer from, int fromColumns, int fromColumn, FloatPointer to, int toColumns, int toColumn);

    public static native void elementwise(@ByRef Device device, String function, float alpha, float beta,
            @Const FloatPointer x, FloatPointer y, @Cast("int64_t") long size);

    public static native void elementwise_backward(@ByRef Device device, String function, float alpha,
            @Const FloatPointer x, FloatPointer dy, @Cast("int64_t") long size);

    public static native void layer_norm(@ByRef Device device, @Const FloatPointer x, @Const FloatPointer gamma,
            @Const FloatPointer beta, FloatPointer y, @Cast("int64_t") long rows, int channels, double epsilon);

    public static native void layer_norm_backward(@ByRef Device device, @Const FloatPointer x,
            @Const FloatPointer gamma, FloatPointer dy, FloatPointer gammaGradient, FloatPointer betaGradient,
            @Cast("int64_t") long rows, int channels, double epsilon);

    public static native void pool(@ByRef Device device, @Const @ByRef PoolingShape shape, @Cast("bool") boolean max,
            @Const FloatPointer x, FloatPointer y, int images);

    public static native void pool_backward(@ByRef Device device, @Const @ByRef PoolingShape shape,
            @Cast("bool") boolean max, @Const FloatPointer x, @Const FloatPointer dy, FloatPointer dx, int images);

    public static native void up_sample(@ByRef Device device, int height, int width, int channels, int scaleHeight,
            int scaleWidth, @Cast("bool") boolean bilinear, @Const FloatPointer x, FloatPointer y, int images);

    public static native void up_sample_backward(@ByRef Device device, int height, int width, int channels,
            int scaleHeight, int scaleWidth, @Cast("bool") boolean bilinear, @Const FloatPointer dy, FloatPointer dx,
            int images);

    public static native double loss(@ByRef Device device, String kind, @Const FloatPointer outputs,
            @Const FloatPointer targets, @Cast("int64_t") long size, double weight,
            FloatPointer gradient);

    public static native void adam(@ByRef Device device, FloatPointer parameters, @Const FloatPointer gradients,
            FloatPointer m, FloatPointer v, @Cast("int64_t") long size, double alpha, double beta1, double beta2,
            double epsilon);

    public static native void clip(@ByRef Device device, FloatPointer gradients, @Cast("int64_t") long size,
            double norm);

    public static native void blend(@ByRef Device device, @Const FloatPointer x, FloatPointer y,
            @Cast("int64_t") long size, @Const FloatPointer rates, int rows);

    public static native double matmul_flops(@ByRef Device device, int size, @Cast("bool") boolean bf16);

    public static native double copy_bytes(@ByRef Device device, @Cast("size_t") long bytes);
}
