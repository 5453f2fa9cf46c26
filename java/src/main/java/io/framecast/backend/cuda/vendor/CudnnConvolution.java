package io.framecast.backend.cuda.vendor;

import io.framecast.backend.cuda.convolution.ConvolutionFamily;
import io.framecast.backend.cuda.convolution.ConvolutionShape;
import io.framecast.backend.cuda.convolution.CudaConvolution;
import io.framecast.backend.cuda.driver.Closing;
import io.framecast.backend.cuda.driver.DeviceMemory;
import io.framecast.backend.cuda.launch.CudaOps;
import io.framecast.backend.cuda.launch.ScratchParts;

/**
 * A convolution by cuDNN on the engine's float32 arrays. Only the weights are transposed at each call, which takes
 * little time compared with the convolution.
 */
final class CudnnConvolution implements CudaConvolution {

    private final VendorKernels kernels;
    private final CudnnCalls cudnn;

    /** cuDNN's workspace, and the filters or their gradient. */
    private final ScratchParts scratch;

    private final Closing closing = new Closing();

    /**
     * As {@link ConvolutionFamily#make}.
     *
     * @throws io.framecast.FramecastException if there is no cuDNN 9, it does not start, or it cannot compute this
     */
    CudnnConvolution(CudaOps ops, VendorLibraries libraries, Arithmetic arithmetic, ConvolutionShape shape,
            boolean gates, int images, int sequence, boolean training) {
        libraries.cudnn();
        kernels = new VendorKernels(ops, shape, gates, Math.max(images, sequence));
        cudnn = new CudnnCalls(libraries, arithmetic, shape, images, sequence, training);
        closing.add(cudnn::close);
        scratch = new ScratchParts(ops.arena(), 0, cudnn.workspaceBytes(), Float.BYTES * shape.weightsSize());
        closing.add(scratch::close);
    }

    @Override
    public void forward(int images, DeviceMemory x, DeviceMemory w, DeviceMemory bias, DeviceMemory y,
            boolean accumulate) {
        kernels.toFilters(w, filters());
        cudnn.forward(images, workspace(), x, filters(), y, accumulate);
        if (bias != null) {
            kernels.addBias(images, bias, y);
        }
    }

    @Override
    public void backwardData(int images, DeviceMemory dy, DeviceMemory w, DeviceMemory dx, boolean accumulate) {
        kernels.toFilters(w, filters());
        cudnn.backwardData(images, workspace(), dy, filters(), dx, accumulate);
    }

    @Override
    public void backwardWeights(int images, DeviceMemory x, DeviceMemory dy, DeviceMemory dw) {
        cudnn.backwardWeights(images, workspace(), x, dy, filters());
        kernels.fromFilters(filters(), dw);
    }

    private DeviceMemory workspace() {
        return scratch.part(0);
    }

    private DeviceMemory filters() {
        return scratch.part(1);
    }

    @Override
    public void close() {
        closing.run();
    }
}
