package io.framecast.backend.cuda.vendor;

import io.framecast.backend.cuda.convolution.ConvolutionFamily;
import io.framecast.backend.cuda.convolution.ConvolutionShape;
import io.framecast.backend.cuda.convolution.CudaConvolution;
import io.framecast.backend.cuda.driver.Closing;
import io.framecast.backend.cuda.driver.DeviceMemory;
import io.framecast.backend.cuda.launch.CudaOps;
import io.framecast.backend.cuda.launch.ScratchParts;

/**
 * A convolution by cuDNN on packed copies of the operands, in bfloat16 or with padded channels. The result comes packed
 * too, and is widened and added to the engine's float32 arrays. The padding is zero, and so adds nothing to any sum.
 */
final class PackedConvolution implements CudaConvolution {

    private final ConvolutionShape shape;
    private final ConvolutionShape padded;
    private final VendorKernels kernels;
    private final PackKernels packing;
    private final CudnnCalls cudnn;
    private final ScratchParts scratch;
    private final Closing closing = new Closing();

    /**
     * As {@link ConvolutionFamily#make}.
     *
     * @throws io.framecast.FramecastException if there is no cuDNN 9, it does not start, or it cannot compute this
     */
    PackedConvolution(CudaOps ops, VendorLibraries libraries, Arithmetic arithmetic, ConvolutionShape shape,
            boolean gates, int images, int sequence, boolean training) {
        this.shape = shape;
        padded = arithmetic.padded(shape);
        libraries.cudnn();
        kernels = new VendorKernels(ops, shape, gates, Math.max(images, sequence));
        packing = new PackKernels(ops, arithmetic);
        cudnn = new CudnnCalls(libraries, arithmetic, padded, images, sequence, training);
        closing.add(cudnn::close);
        long most = training ? Math.max(images, sequence) : images;
        scratch = new ScratchParts(ops.arena(), 0, cudnn.workspaceBytes(), Float.BYTES * shape.weightsSize(),
                arithmetic.bytes * padded.weightsSize(), arithmetic.bytes * most * padded.inputSize(),
                arithmetic.bytes * most * padded.outputSize());
        closing.add(scratch::close);
    }

    @Override
    public void forward(int images, DeviceMemory x, DeviceMemory w, DeviceMemory bias, DeviceMemory y,
            boolean accumulate) {
        packFilters(w);
        packing.pack(x, packedX(), inputs(images), shape.inputs());
        cudnn.forward(images, workspace(), packedX(), packedFilters(), packedY(), false);
        packing.unpack(packedY(), bias, y, outputs(images), shape.outputs(), accumulate);
    }

    @Override
    public void backwardData(int images, DeviceMemory dy, DeviceMemory w, DeviceMemory dx, boolean accumulate) {
        packFilters(w);
        packing.pack(dy, packedY(), outputs(images), shape.outputs());
        cudnn.backwardData(images, workspace(), packedY(), packedFilters(), packedX(), false);
        packing.unpack(packedX(), null, dx, inputs(images), shape.inputs(), accumulate);
    }

    @Override
    public void backwardWeights(int images, DeviceMemory x, DeviceMemory dy, DeviceMemory dw) {
        packing.pack(x, packedX(), inputs(images), shape.inputs());
        packing.pack(dy, packedY(), outputs(images), shape.outputs());
        cudnn.backwardWeights(images, workspace(), packedX(), packedY(), packedFilters());
        packing.unpack(packedFilters(), null, filters(), shape.outputs() * shape.taps(), shape.inputs(), false);
        kernels.fromFilters(filters(), dw);
    }

    private void packFilters(DeviceMemory w) {
        kernels.toFilters(w, filters());
        int rows = shape.outputs() * shape.taps();
        packing.pack(filters(), packedFilters(), rows, shape.inputs());
        long packed = packing.bytes(rows, shape.inputs());
        long others = packedFilters().bytes() - packed;
        if (others > 0) {
            packedFilters().view(packed, others).clear();
        }
    }

    /** The rows of x: its pixels. */
    private int inputs(int images) {
        return images * shape.pixels();
    }

    private int outputs(int images) {
        return images * shape.outPixels();
    }

    private DeviceMemory workspace() {
        return scratch.part(0);
    }

    /** (outputs, taps, inputs). */
    private DeviceMemory filters() {
        return scratch.part(1);
    }

    /** (padded outputs, taps, padded inputs). */
    private DeviceMemory packedFilters() {
        return scratch.part(2);
    }

    /** (images, height, width, padded inputs). */
    private DeviceMemory packedX() {
        return scratch.part(3);
    }

    /** (images, outHeight, outWidth, padded outputs). */
    private DeviceMemory packedY() {
        return scratch.part(4);
    }

    @Override
    public void close() {
        closing.run();
    }
}
