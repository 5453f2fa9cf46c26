package io.framecast.softgpu;

import static jcuda.jcudnn.JCudnn.cudnnCreate;
import static jcuda.jcudnn.JCudnn.cudnnCreateActivationDescriptor;
import static jcuda.jcudnn.JCudnn.cudnnCreateConvolutionDescriptor;
import static jcuda.jcudnn.JCudnn.cudnnCreateFilterDescriptor;
import static jcuda.jcudnn.JCudnn.cudnnCreateTensorDescriptor;
import static jcuda.jcudnn.JCudnn.cudnnDestroy;
import static jcuda.jcudnn.JCudnn.cudnnDestroyActivationDescriptor;
import static jcuda.jcudnn.JCudnn.cudnnDestroyConvolutionDescriptor;
import static jcuda.jcudnn.JCudnn.cudnnDestroyFilterDescriptor;
import static jcuda.jcudnn.JCudnn.cudnnDestroyTensorDescriptor;
import static jcuda.jcudnn.JCudnn.cudnnSetActivationDescriptor;
import static jcuda.jcudnn.JCudnn.cudnnSetConvolutionGroupCount;
import static jcuda.jcudnn.JCudnn.cudnnSetConvolutionMathType;
import static jcuda.jcudnn.JCudnn.cudnnSetConvolutionNdDescriptor;
import static jcuda.jcudnn.JCudnn.cudnnSetFilterNdDescriptor;
import static jcuda.jcudnn.JCudnn.cudnnSetTensorNdDescriptor;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.framecast.backend.cuda.library.JCudaLibrary;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.function.IntSupplier;
import jcuda.jcudnn.JCudnn;
import jcuda.jcudnn.cudnnActivationDescriptor;
import jcuda.jcudnn.cudnnConvolutionDescriptor;
import jcuda.jcudnn.cudnnFilterDescriptor;
import jcuda.jcudnn.cudnnHandle;
import jcuda.jcudnn.cudnnTensorDescriptor;

/** A cuDNN handle and the descriptors that a test creates; all are destroyed together. */
final class Cudnn implements AutoCloseable {

    /** The thousands of cuDNN 9's status codes. */
    static final int BAD_PARAM = 2;
    static final int NOT_SUPPORTED = 3;

    final cudnnHandle handle = new cudnnHandle();
    private final Deque<IntSupplier> destroy = new ArrayDeque<>();

    Cudnn() {
        SoftGpu.load();
        JCudaLibrary.CUDNN.load();
        JCudnn.setExceptionsEnabled(false);
        ok(cudnnCreate(handle));
    }

    static void ok(int status) {
        assertEquals(0, status, "cuDNN's status");
    }

    cudnnTensorDescriptor emptyTensor() {
        cudnnTensorDescriptor descriptor = new cudnnTensorDescriptor();
        ok(cudnnCreateTensorDescriptor(descriptor));
        destroy.push(() -> cudnnDestroyTensorDescriptor(descriptor));
        return descriptor;
    }

    cudnnTensorDescriptor tensor(Element type, Layout layout) {
        cudnnTensorDescriptor descriptor = emptyTensor();
        ok(cudnnSetTensorNdDescriptor(descriptor, type.cudnnType, layout.dims().length, layout.dims(),
                layout.strides()));
        return descriptor;
    }

    /** A packed tensor in NCHW order. */
    cudnnTensorDescriptor tensor(Element type, int... dims) {
        return tensor(type, Layout.channelsFirst(dims));
    }

    cudnnFilterDescriptor emptyFilter() {
        cudnnFilterDescriptor descriptor = new cudnnFilterDescriptor();
        ok(cudnnCreateFilterDescriptor(descriptor));
        destroy.push(() -> cudnnDestroyFilterDescriptor(descriptor));
        return descriptor;
    }

    cudnnFilterDescriptor filter(Element type, int format, int... dims) {
        cudnnFilterDescriptor descriptor = emptyFilter();
        ok(cudnnSetFilterNdDescriptor(descriptor, type.cudnnType, format, dims.length, dims));
        return descriptor;
    }

    cudnnConvolutionDescriptor emptyConvolution() {
        cudnnConvolutionDescriptor descriptor = new cudnnConvolutionDescriptor();
        ok(cudnnCreateConvolutionDescriptor(descriptor));
        destroy.push(() -> cudnnDestroyConvolutionDescriptor(descriptor));
        return descriptor;
    }

    cudnnConvolutionDescriptor convolution(Element compute, int mode, int groups, int math, int[] pad, int[] stride,
            int[] dilation) {
        cudnnConvolutionDescriptor descriptor = emptyConvolution();
        ok(cudnnSetConvolutionNdDescriptor(descriptor, pad.length, pad, stride, dilation, mode, compute.cudnnType));
        ok(cudnnSetConvolutionGroupCount(descriptor, groups));
        ok(cudnnSetConvolutionMathType(descriptor, math));
        return descriptor;
    }

    cudnnActivationDescriptor activation(int mode, int nanPropagation, double coefficient) {
        cudnnActivationDescriptor descriptor = new cudnnActivationDescriptor();
        ok(cudnnCreateActivationDescriptor(descriptor));
        destroy.push(() -> cudnnDestroyActivationDescriptor(descriptor));
        ok(cudnnSetActivationDescriptor(descriptor, mode, nanPropagation, coefficient));
        return descriptor;
    }

    @Override
    public void close() {
        while (!destroy.isEmpty()) {
            ok(destroy.pop().getAsInt());
        }
        ok(cudnnDestroy(handle));
    }
}
