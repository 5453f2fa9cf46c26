package io.framecast.backend.cuda.vendor;

import static jcuda.cudaDataType.CUDA_R_16BF;
import static jcuda.cudaDataType.CUDA_R_32F;
import static jcuda.jcublas.cublasComputeType.CUBLAS_COMPUTE_32F;
import static jcuda.jcublas.cublasComputeType.CUBLAS_COMPUTE_32F_FAST_TF32;
import static jcuda.jcudnn.cudnnDataType.CUDNN_DATA_BFLOAT16;
import static jcuda.jcudnn.cudnnDataType.CUDNN_DATA_FLOAT;
import static jcuda.jcudnn.cudnnMathType.CUDNN_DEFAULT_MATH;
import static jcuda.jcudnn.cudnnMathType.CUDNN_FMA_MATH;
import static jcuda.jcudnn.cudnnMathType.CUDNN_TENSOR_OP_MATH;

import io.framecast.backend.Precision;
import io.framecast.backend.cuda.convolution.ConvolutionShape;
import io.framecast.backend.cuda.launch.CudaOps;
import java.util.Locale;

/**
 * What the libraries multiply, and their names for it. Sums are float32 in all of them.
 *
 * <p>cuDNN uses tensor cores for images in NHWC if a pixel's channels are a multiple of 16 bytes. Its results have the
 * type of its operands, so a bfloat16 convolution rounds its sums to bfloat16; cuBLAS gives them as float32.
 */
enum Arithmetic {
    /** True float32: CUDNN_DEFAULT_MATH would permit TF32. */
    FP32(4, CUDNN_DATA_FLOAT, CUDNN_FMA_MATH, CUDA_R_32F, CUBLAS_COMPUTE_32F),
    /** Float32 in memory; tensor cores round the operands to 11 bits. cuBLAS may use them, and does not say whether. */
    TF32(4, CUDNN_DATA_FLOAT, CUDNN_TENSOR_OP_MATH, CUDA_R_32F, CUBLAS_COMPUTE_32F_FAST_TF32),
    /** Operands packed as bfloat16. */
    BF16(2, CUDNN_DATA_BFLOAT16, CUDNN_TENSOR_OP_MATH, CUDA_R_16BF, CUBLAS_COMPUTE_32F);

    private static final int VECTOR_BYTES = 16;

    /** The size of an operand. */
    final int bytes;

    /** The cudnnDataType of all tensors of a convolution. */
    final int cudnnType;

    /** The cudnnMathType of a convolution. */
    final int mathType;

    /** The cudaDataType of the factors of a product. */
    final int cublasType;

    /** The cublasComputeType of a product. */
    final int computeType;

    Arithmetic(int bytes, int cudnnType, int mathType, int cublasType, int computeType) {
        this.bytes = bytes;
        this.cudnnType = cudnnType;
        this.mathType = mathType;
        this.cublasType = cublasType;
        this.computeType = computeType;
    }

    static Arithmetic of(Precision precision) {
        return valueOf(precision.name());
    }

    /** Whether an algorithm that cuDNN reports with this cudnnMathType multiplies so. */
    boolean isOf(int reported) {
        // With a descriptor that says CUDNN_FMA_MATH, the default is that, too.
        return reported == mathType || this == FP32 && reported == CUDNN_DEFAULT_MATH;
    }

    /** The least multiple of 16 bytes that holds this many operands, in operands. */
    int padded(int count) {
        int vector = VECTOR_BYTES / bytes;
        return Math.multiplyExact(CudaOps.ceilDiv(count, vector), vector);
    }

    /** The shape with padded channels. */
    ConvolutionShape padded(ConvolutionShape s) {
        return new ConvolutionShape(s.height(), s.width(), padded(s.inputs()), padded(s.outputs()), s.kernelHeight(),
                s.kernelWidth(), s.strideHeight(), s.strideWidth(), s.dilationHeight(), s.dilationWidth(), s.same());
    }

    /** Whether cuDNN cannot work on the engine's float32 arrays of this shape, but on packed copies. */
    boolean isPacked(ConvolutionShape shape) {
        return this == BF16 || this == TF32 && !shape.equals(padded(shape));
    }

    /** For messages. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
