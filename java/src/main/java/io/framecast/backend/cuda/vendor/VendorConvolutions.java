package io.framecast.backend.cuda.vendor;

import io.framecast.FramecastException;
import io.framecast.Remedy;
import io.framecast.backend.Precision;
import io.framecast.backend.cuda.convolution.ConvolutionFamily;
import io.framecast.backend.cuda.convolution.ConvolutionShape;
import io.framecast.backend.cuda.convolution.CudaConvolution;
import io.framecast.backend.cuda.launch.CudaOps;

/**
 * Convolutions by NVIDIA's libraries, which are loaded when the first one is made: kernels of 1x1 are matrix products
 * by cuBLAS, the others are cuDNN's. Another family computes in float32 what the libraries do not support.
 *
 * <p>In tf32, operands are rounded to 11 significant bits within the libraries. In bf16, x, w and dy are rounded to
 * bfloat16 in copies; sums are float32, and cuDNN rounds each of them to bfloat16 before it is added to a result.
 *
 * <p>The first call for a number of images may load and allocate; later ones do not, and can be captured in a graph.
 */
public final class VendorConvolutions implements ConvolutionFamily {

    private final CudaOps ops;
    private final VendorLibraries libraries;
    private final ConvolutionFamily others;
    private final Arithmetic arithmetic;

    /**
     * @param others computes in float32 what the libraries do not support
     */
    public VendorConvolutions(CudaOps ops, ConvolutionFamily others, Precision precision) {
        this.ops = ops;
        this.arithmetic = Arithmetic.of(precision);
        this.libraries = VendorLibraries.of(ops.device());
        this.others = others;
    }

    /** Whether the libraries support a shape: cuDNN's padding is symmetric. */
    static boolean supports(ConvolutionShape shape) {
        return shape.padHeight() % 2 == 0 && shape.padWidth() % 2 == 0;
    }

    /** @throws FramecastException if the library is not there, or cannot compute it */
    @Override
    public CudaConvolution make(ConvolutionShape shape, boolean gates, int images, int sequence, boolean training) {
        if (!supports(shape)) {
            return inFloat32(shape).make(shape, gates, images, sequence, training);
        }
        if (shape.taps() == 1 && shape.strideHeight() == 1 && shape.strideWidth() == 1) {
            return new CublasConvolution(ops, libraries, arithmetic, shape, gates, images, sequence, training);
        }
        return arithmetic.isPacked(shape)
                ? new PackedConvolution(ops, libraries, arithmetic, shape, gates, images, sequence, training)
                : new CudnnConvolution(ops, libraries, arithmetic, shape, gates, images, sequence, training);
    }

    private ConvolutionFamily inFloat32(ConvolutionShape shape) {
        if (arithmetic != Arithmetic.FP32) {
            throw new FramecastException("cuDNN does not compute a convolution of " + shape.kernelHeight() + "x"
                    + shape.kernelWidth() + " that pads frames of " + shape.height() + "x" + shape.width()
                    + " more on one side than on the other, so it cannot be in " + arithmetic + "; use this "
                    + "project's kernels.", Remedy.KERNEL_CONVOLUTIONS);
        }
        return others;
    }
}
