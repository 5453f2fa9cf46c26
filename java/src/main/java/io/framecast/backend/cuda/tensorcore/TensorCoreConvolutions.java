package io.framecast.backend.cuda.tensorcore;

import io.framecast.backend.cuda.convolution.ConvolutionFamily;
import io.framecast.backend.cuda.convolution.ConvolutionShape;
import io.framecast.backend.cuda.convolution.CudaConvolution;
import io.framecast.backend.cuda.launch.CudaOps;

/** Convolutions in bfloat16 or tf32 by this project's kernels, cuda-kernels/tensor_core_convolution.cu. */
public record TensorCoreConvolutions(CudaOps ops, Operand operand) implements ConvolutionFamily {

    @Override
    public CudaConvolution make(ConvolutionShape shape, boolean gates, int images, int sequence, boolean training) {
        if (gates) {
            throw new IllegalArgumentException("a ConvLSTM on tensor cores has its own kernels");
        }
        return TensorCoreConvolution.of(ops, operand, shape, Math.max(images, sequence), training);
    }
}
