package io.framecast.backend.cuda.vendor;

import static io.framecast.backend.cuda.vendor.VendorCalls.checkCudnn;
import static jcuda.jcudnn.JCudnn.cudnnCreateConvolutionDescriptor;
import static jcuda.jcudnn.JCudnn.cudnnCreateFilterDescriptor;
import static jcuda.jcudnn.JCudnn.cudnnCreateTensorDescriptor;
import static jcuda.jcudnn.JCudnn.cudnnDestroyConvolutionDescriptor;
import static jcuda.jcudnn.JCudnn.cudnnDestroyFilterDescriptor;
import static jcuda.jcudnn.JCudnn.cudnnDestroyTensorDescriptor;
import static jcuda.jcudnn.JCudnn.cudnnSetConvolution2dDescriptor;
import static jcuda.jcudnn.JCudnn.cudnnSetConvolutionMathType;
import static jcuda.jcudnn.JCudnn.cudnnSetFilter4dDescriptor;
import static jcuda.jcudnn.JCudnn.cudnnSetTensor4dDescriptor;
import static jcuda.jcudnn.cudnnConvolutionMode.CUDNN_CROSS_CORRELATION;
import static jcuda.jcudnn.cudnnDataType.CUDNN_DATA_FLOAT;
import static jcuda.jcudnn.cudnnTensorFormat.CUDNN_TENSOR_NHWC;

import io.framecast.backend.cuda.convolution.ConvolutionShape;
import io.framecast.backend.cuda.driver.Closing;
import jcuda.jcudnn.cudnnConvolutionDescriptor;
import jcuda.jcudnn.cudnnFilterDescriptor;
import jcuda.jcudnn.cudnnTensorDescriptor;

/** cuDNN's descriptors of a {@link ConvolutionShape}; its filters are (outputs, taps, inputs). */
final class CudnnDescriptors implements AutoCloseable {

    final cudnnTensorDescriptor x = new cudnnTensorDescriptor();
    final cudnnTensorDescriptor y = new cudnnTensorDescriptor();
    final cudnnFilterDescriptor filters = new cudnnFilterDescriptor();
    final cudnnConvolutionDescriptor convolution = new cudnnConvolutionDescriptor();

    private final ConvolutionShape shape;
    private final Arithmetic arithmetic;
    private final Closing closing = new Closing();
    private int images;

    /** @throws io.framecast.FramecastException if cuDNN refuses it */
    CudnnDescriptors(ConvolutionShape shape, Arithmetic arithmetic) {
        this.shape = shape;
        this.arithmetic = arithmetic;
        try {
            create(x);
            create(y);
            checkCudnn(cudnnCreateFilterDescriptor(filters), "cudnnCreateFilterDescriptor");
            closing.add(() -> checkCudnn(cudnnDestroyFilterDescriptor(filters), "cudnnDestroyFilterDescriptor"));
            checkCudnn(cudnnSetFilter4dDescriptor(filters, arithmetic.cudnnType, CUDNN_TENSOR_NHWC,
                    shape.outputs(), shape.inputs(), shape.kernelHeight(), shape.kernelWidth()),
                    "cudnnSetFilter4dDescriptor");
            checkCudnn(cudnnCreateConvolutionDescriptor(convolution), "cudnnCreateConvolutionDescriptor");
            closing.add(() -> checkCudnn(cudnnDestroyConvolutionDescriptor(convolution),
                    "cudnnDestroyConvolutionDescriptor"));
            checkCudnn(cudnnSetConvolution2dDescriptor(convolution, shape.padTop(), shape.padLeft(),
                    shape.strideHeight(), shape.strideWidth(), shape.dilationHeight(), shape.dilationWidth(),
                    CUDNN_CROSS_CORRELATION, CUDNN_DATA_FLOAT), "cudnnSetConvolution2dDescriptor");
            checkCudnn(cudnnSetConvolutionMathType(convolution, arithmetic.mathType), "cudnnSetConvolutionMathType");
        } catch (RuntimeException e) {
            closing.runAfter(e);
            throw e;
        }
    }

    private void create(cudnnTensorDescriptor tensor) {
        checkCudnn(cudnnCreateTensorDescriptor(tensor), "cudnnCreateTensorDescriptor");
        closing.add(() -> checkCudnn(cudnnDestroyTensorDescriptor(tensor), "cudnnDestroyTensorDescriptor"));
    }

    /** Sets the number of images of x and y. */
    void setImages(int images) {
        if (images != this.images) {
            this.images = 0;
            set(x, images, shape.inputs(), shape.height(), shape.width());
            set(y, images, shape.outputs(), shape.outHeight(), shape.outWidth());
            this.images = images;
        }
    }

    private void set(cudnnTensorDescriptor tensor, int images, int channels, int height, int width) {
        checkCudnn(cudnnSetTensor4dDescriptor(tensor, CUDNN_TENSOR_NHWC, arithmetic.cudnnType, images, channels,
                height, width), "cudnnSetTensor4dDescriptor of " + images + " images of " + height + "x" + width + "x"
                + channels);
    }

    Arithmetic arithmetic() {
        return arithmetic;
    }

    /** For messages. */
    @Override
    public String toString() {
        return images + " images of " + shape.height() + "x" + shape.width() + "x" + shape.inputs()
                + " with kernels of " + shape.kernelHeight() + "x" + shape.kernelWidth() + " to " + shape.outputs()
                + " channels";
    }

    @Override
    public void close() {
        closing.run();
    }
}
