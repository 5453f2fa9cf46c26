package io.framecast.backend.cuda.vendor;

import io.framecast.backend.cuda.convolution.ConvolutionShape;
import io.framecast.backend.cuda.convolution.CudaConvolution;
import io.framecast.backend.cuda.launch.CudaOps;

/**
 * Convolutions by NVIDIA's libraries, which are looked for when the first one is made: by cuBLAS where they are
 * products of matrices, else by cuDNN. What the libraries do not have another factory makes.
 *
 * <p>A first call for a number of images loads what the library needs for it. Later ones allocate nothing and wait for
 * nothing, so that they can be recorded.
 */
public final class VendorConvolutions implements CudaConvolution.Factory {

    private final CudaOps ops;
    private final VendorLibraries libraries;
    private final CudaConvolution.Factory others;

    /** On a device, with which the libraries are closed. */
    public VendorConvolutions(CudaOps ops, CudaConvolution.Factory others) {
        this.ops = ops;
        this.libraries = VendorLibraries.of(ops.device());
        this.others = others;
    }

    /** Whether the libraries have a convolution: cuDNN pads as much above as below, and left as right. */
    static boolean supports(ConvolutionShape shape) {
        return shape.padHeight() % 2 == 0 && shape.padWidth() % 2 == 0;
    }

    /** @throws io.framecast.FramecastException if the library is not there, or cannot do it after all */
    @Override
    public CudaConvolution make(ConvolutionShape shape, boolean gates, int images, int sequence, boolean training) {
        if (!supports(shape)) {
            return others.make(shape, gates, images, sequence, training);
        }
        return shape.taps() == 1 && shape.strideHeight() == 1 && shape.strideWidth() == 1
                ? new CublasConvolution(ops, libraries, shape, gates, images, training)
                : new CudnnConvolution(ops, libraries, shape, gates, images, sequence, training);
    }
}
