package io.framecast.backend.cuda;

import java.util.EnumSet;
import java.util.Set;

/**
 * Convolutions by NVIDIA's libraries: by cuBLAS where they are products of matrices, else by cuDNN.
 *
 * <p>Their first call for a number of images loads what the library needs for it. Later ones allocate nothing and wait
 * for nothing, so that they can be recorded in a CUDA graph.
 */
final class VendorConvolutions {

    private final DeviceArena arena;
    private final VendorLibraries libraries;

    /** On a device, with which the libraries are closed; they are looked for when they are first needed. */
    VendorConvolutions(CudaDevice device, DeviceArena arena) {
        this.arena = arena;
        this.libraries = VendorLibraries.of(device);
    }

    /** Whether the libraries have a convolution: they pad as much above as below, and left as right. */
    static boolean supports(ConvolutionShape shape) {
        return shape.padHeight() % 2 == 0 && shape.padWidth() % 2 == 0;
    }

    /**
     * @param shape one that is supported
     * @param gates outputs are (filters, 4), and gradients of weights wanted in Keras's order (4, filters)
     * @param images the most that it will be given
     * @param training also backward
     * @param inputGradient also backwardData
     * @throws io.framecast.FramecastException if the library is not there, or cannot do it
     */
    CudaConvolution of(ConvolutionShape shape, boolean gates, int images, boolean training, boolean inputGradient) {
        if (shape.taps() == 1 && shape.strideHeight() == 1 && shape.strideWidth() == 1) {
            return new CublasConvolution(arena, libraries, shape, gates, training);
        }
        Set<CudnnDirection> directions = EnumSet.of(CudnnDirection.FORWARD);
        if (training) {
            directions.add(CudnnDirection.BACKWARD_WEIGHTS);
        }
        if (training && inputGradient) {
            directions.add(CudnnDirection.BACKWARD_DATA);
        }
        return new CudnnConvolution(arena, libraries, shape, gates, images, directions);
    }
}
