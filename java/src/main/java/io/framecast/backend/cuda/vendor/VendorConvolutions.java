package io.framecast.backend.cuda.vendor;

import io.framecast.backend.cuda.convolution.ConvolutionFamily;
import io.framecast.backend.cuda.convolution.ConvolutionShape;
import io.framecast.backend.cuda.convolution.CudaConvolution;
import io.framecast.backend.cuda.launch.CudaOps;

/**
 * Convolutions by NVIDIA's libraries, which are loaded when the first one is made: kernels of 1x1 are matrix products
 * by cuBLAS, the others are cuDNN's. Another family computes what the libraries do not support.
 *
 * <p>The first call for a number of images may load and allocate; later ones do not, and can be captured in a graph.
 */
public final class VendorConvolutions implements ConvolutionFamily {

    private final CudaOps ops;
    private final VendorLibraries libraries;
    private final ConvolutionFamily others;

    /** @param others computes what the libraries do not support */
    public VendorConvolutions(CudaOps ops, ConvolutionFamily others) {
        this.ops = ops;
        this.libraries = VendorLibraries.of(ops.device());
        this.others = others;
    }

    /** Whether the libraries support a shape: cuDNN's padding is symmetric. */
    static boolean supports(ConvolutionShape shape) {
        return shape.padHeight() % 2 == 0 && shape.padWidth() % 2 == 0;
    }

    /** @throws io.framecast.FramecastException if the library is not there, or cannot compute it */
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
