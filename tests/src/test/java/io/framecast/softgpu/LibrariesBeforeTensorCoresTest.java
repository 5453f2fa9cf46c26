package io.framecast.softgpu;

import static io.framecast.softgpu.Cudnn.NOT_SUPPORTED;
import static io.framecast.softgpu.Cudnn.ok;
import static jcuda.jcublas.JCublas2.cublasCreate;
import static jcuda.jcublas.JCublas2.cublasDestroy;
import static jcuda.jcublas.JCublas2.cublasGemmEx_new;
import static jcuda.jcudnn.JCudnn.cudnnConvolutionForward;
import static jcuda.jcudnn.JCudnn.cudnnGetConvolutionForwardWorkspaceSize;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.framecast.backend.cuda.library.JCudaLibrary;
import jcuda.Pointer;
import jcuda.jcublas.JCublas2;
import jcuda.jcublas.cublasComputeType;
import jcuda.jcublas.cublasGemmAlgo;
import jcuda.jcublas.cublasHandle;
import jcuda.jcudnn.cudnnConvolutionMode;
import jcuda.jcudnn.cudnnMathType;
import jcuda.jcudnn.cudnnTensorFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** The libraries on a device of compute capability 7.5, which has no tensor cores for TF32 and bfloat16. */
class LibrariesBeforeTensorCoresTest {

    /** TF32 would round it to 1. */
    private static final float FINE = 1 + 0x1p-20f;

    @RegisterExtension
    final SoftDevice device = new SoftDevice("compute=75");

    /** A convolution of one pixel. */
    private int convolve(Element type, Pointer x, Pointer y) {
        int[] ones = {1, 1};
        try (Cudnn cudnn = new Cudnn()) {
            var tensor = cudnn.tensor(type, 1, 1, 1, 1);
            var filter = cudnn.filter(type, cudnnTensorFormat.CUDNN_TENSOR_NCHW, 1, 1, 1, 1);
            var convolution = cudnn.convolution(Element.FLOAT, cudnnConvolutionMode.CUDNN_CROSS_CORRELATION, 1,
                    cudnnMathType.CUDNN_TENSOR_OP_MATH, new int[2], ones, ones);
            long[] bytes = new long[1];
            int status = cudnnGetConvolutionForwardWorkspaceSize(cudnn.handle, tensor, filter, convolution, tensor, 1,
                    bytes);
            // JCuda gives an undefined size if the call fails.
            long size = status == 0 ? bytes[0] : 256;
            int ran = cudnnConvolutionForward(cudnn.handle, type.scalar(1), tensor, x, filter, x, convolution, 1,
                    device.allocate(size).pointer(), size, type.scalar(0), tensor, y);
            SoftDevice.synchronize();
            assertEquals(status, ran);
            return ran;
        }
    }

    @Test
    void convolvesFloatsWithoutRoundingThem() {
        Buffer y = device.allocate(4);
        ok(convolve(Element.FLOAT, device.buffer(FINE).pointer(), y.pointer()));
        assertEquals(FINE * FINE, y.floats()[0]);
    }

    @Test
    void refusesBFloat16() {
        Buffer x = Element.BFLOAT16.upload(device, 3);
        assertEquals(NOT_SUPPORTED, convolve(Element.BFLOAT16, x.pointer(), device.allocate(2).pointer()) / 1000);
    }

    @Test
    void multipliesFloatsWithoutRoundingThem() {
        JCudaLibrary.CUBLAS.load();
        JCublas2.setExceptionsEnabled(false);
        cublasHandle handle = new cublasHandle();
        assertEquals(0, cublasCreate(handle));
        Buffer x = device.buffer(FINE);
        Buffer y = device.allocate(4);
        assertEquals(0, cublasGemmEx_new(handle, 0, 0, 1, 1, 1, Element.FLOAT.scalar(1), x.pointer(), 0, 1, x.pointer(),
                0, 1, Element.FLOAT.scalar(0), y.pointer(), 0, 1, cublasComputeType.CUBLAS_COMPUTE_32F_FAST_TF32,
                cublasGemmAlgo.CUBLAS_GEMM_DEFAULT));
        SoftDevice.synchronize();
        assertEquals(FINE * FINE, y.floats()[0]);
        assertEquals(0, cublasDestroy(handle));
    }
}
