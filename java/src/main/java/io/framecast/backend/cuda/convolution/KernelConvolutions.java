package io.framecast.backend.cuda.convolution;

import io.framecast.backend.cuda.launch.CudaOps;
import java.util.Optional;

/** Convolutions in float32 by this project's kernels, cuda-kernels/convolution.cu and convlstm_step.cu. */
public record KernelConvolutions(CudaOps ops) implements ConvolutionFamily {

    @Override
    public CudaConvolution make(ConvolutionShape shape, boolean gates, int images, int sequence, boolean training) {
        return new KernelConvolution(ops, shape, gates, images, sequence, training);
    }

    @Override
    public Optional<RecurrentStep> recurrentStep(ConvolutionShape shape, int images) {
        return Optional.of(new RecurrentStep(ops, shape, images));
    }
}
