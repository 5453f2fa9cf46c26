package io.framecast.backend.cuda.vendor;

import static io.framecast.backend.cuda.vendor.VendorCalls.checkCudnn;
import static jcuda.jcudnn.JCudnn.cudnnConvolutionBackwardData;
import static jcuda.jcudnn.JCudnn.cudnnConvolutionBackwardFilter;
import static jcuda.jcudnn.JCudnn.cudnnConvolutionForward;

import io.framecast.FramecastException;
import io.framecast.Remedy;
import io.framecast.backend.cuda.convolution.ConvolutionFamily;
import io.framecast.backend.cuda.convolution.ConvolutionShape;
import io.framecast.backend.cuda.convolution.CudaConvolution;
import io.framecast.backend.cuda.driver.Closing;
import io.framecast.backend.cuda.driver.DeviceMemory;
import io.framecast.backend.cuda.launch.CudaOps;
import io.framecast.backend.cuda.launch.DeviceArena;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import jcuda.Pointer;
import jcuda.jcudnn.cudnnHandle;

/**
 * A convolution by cuDNN. For images in NHWC its float32 algorithms want filters in the order (outputs, taps, inputs),
 * so the weights are transposed at each call, which takes little time compared with the convolution.
 */
final class CudnnConvolution implements CudaConvolution {

    /** The limit for an algorithm, and the least that is reserved. It is scratch: a model's convolutions share it. */
    private static final long WORKSPACE_BYTES = 256L << 20;

    private static final long ALIGNMENT = 256;

    private static final Pointer ONE = Pointer.to(new float[] {1});
    private static final Pointer ZERO = Pointer.to(new float[] {0});

    private static final List<CudnnDirection> FORWARD = List.of(CudnnDirection.FORWARD);

    private record Use(CudnnDirection direction, int images) {
    }

    private final VendorLibraries libraries;
    private final VendorKernels kernels;
    private final ConvolutionShape shape;
    private final CudnnDescriptors descriptors;
    private final Map<Use, Integer> algorithms = new HashMap<>();
    private final long workspaceBytes;

    /** cuDNN's workspace, followed by the filters or their gradient. */
    private final DeviceArena.Region scratch;

    private final Closing closing = new Closing();

    /**
     * As {@link ConvolutionFamily#make}.
     *
     * @throws FramecastException if there is no cuDNN 9, it does not start, or it cannot compute this
     */
    CudnnConvolution(CudaOps ops, VendorLibraries libraries, ConvolutionShape shape, boolean gates, int images,
            int sequence, boolean training) {
        this.libraries = libraries;
        this.shape = shape;
        cudnnHandle handle = libraries.cudnn();
        kernels = new VendorKernels(ops, shape, gates, Math.max(images, sequence));
        requireSize(Math.max(images, sequence));
        descriptors = new CudnnDescriptors(shape);
        closing.add(descriptors::close);
        try {
            long most = WORKSPACE_BYTES;
            for (CudnnDirection direction : training ? List.of(CudnnDirection.values()) : FORWARD) {
                int count = direction == CudnnDirection.BACKWARD_WEIGHTS ? sequence : images;
                descriptors.setImages(count);
                CudnnDirection.Choice choice = direction.choose(handle, descriptors, WORKSPACE_BYTES);
                algorithms.put(new Use(direction, count), choice.algorithm());
                most = Math.max(most, choice.workspace());
            }
            workspaceBytes = (most + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
            scratch = ops.arena().scratch(workspaceBytes + filtersBytes());
            closing.add(scratch::close);
        } catch (RuntimeException e) {
            closing.runAfter(e);
            throw e;
        }
    }

    private void requireSize(int images) {
        long values = Math.multiplyExact(images, Math.max(shape.inputSize(), shape.outputSize()));
        if (values > Integer.MAX_VALUE) {
            throw new FramecastException("A convolution over " + images + " images has " + values + " values, and "
                    + "cuDNN takes less than 2^31; choose a smaller batch, or this project's kernels.",
                    Remedy.SMALLER_BATCH, Remedy.KERNEL_CONVOLUTIONS);
        }
    }

    private long filtersBytes() {
        return Float.BYTES * shape.weightsSize();
    }

    @Override
    public void forward(int images, DeviceMemory x, DeviceMemory w, DeviceMemory bias, DeviceMemory y,
            boolean accumulate) {
        cudnnHandle handle = libraries.cudnn();
        int algorithm = prepare(handle, CudnnDirection.FORWARD, images);
        kernels.toFilters(w, filters());
        checkCudnn(cudnnConvolutionForward(handle, ONE, descriptors.x, x.pointer(), descriptors.filters,
                filters().pointer(), descriptors.convolution, algorithm, workspace(), workspaceBytes,
                accumulate ? ONE : ZERO, descriptors.y, y.pointer()), "cudnnConvolutionForward");
        if (bias != null) {
            kernels.addBias(images, bias, y);
        }
    }

    @Override
    public void backwardData(int images, DeviceMemory dy, DeviceMemory w, DeviceMemory dx, boolean accumulate) {
        cudnnHandle handle = libraries.cudnn();
        int algorithm = prepare(handle, CudnnDirection.BACKWARD_DATA, images);
        kernels.toFilters(w, filters());
        checkCudnn(cudnnConvolutionBackwardData(handle, ONE, descriptors.filters, filters().pointer(), descriptors.y,
                dy.pointer(), descriptors.convolution, algorithm, workspace(), workspaceBytes,
                accumulate ? ONE : ZERO, descriptors.x, dx.pointer()), "cudnnConvolutionBackwardData");
    }

    @Override
    public void backwardWeights(int images, DeviceMemory x, DeviceMemory dy, DeviceMemory dw) {
        cudnnHandle handle = libraries.cudnn();
        int algorithm = prepare(handle, CudnnDirection.BACKWARD_WEIGHTS, images);
        checkCudnn(cudnnConvolutionBackwardFilter(handle, ONE, descriptors.x, x.pointer(), descriptors.y, dy.pointer(),
                descriptors.convolution, algorithm, workspace(), workspaceBytes, ZERO, descriptors.filters,
                filters().pointer()), "cudnnConvolutionBackwardFilter");
        kernels.fromFilters(filters(), dw);
    }

    /** Sets the descriptors' number of images, and returns the algorithm for it. */
    private int prepare(cudnnHandle handle, CudnnDirection direction, int images) {
        descriptors.setImages(images);
        return algorithms.computeIfAbsent(new Use(direction, images), use -> {
            CudnnDirection.Choice choice = direction.choose(handle, descriptors, workspaceBytes);
            if (choice.workspace() > workspaceBytes) {
                throw new FramecastException("cuDNN needs " + DeviceMemory.text(choice.workspace())
                        + " of workspace for " + images + " images, and " + DeviceMemory.text(workspaceBytes)
                        + " were planned; use this project's kernels.", Remedy.KERNEL_CONVOLUTIONS);
            }
            return choice.algorithm();
        });
    }

    private DeviceMemory filters() {
        return scratch.memory().view(workspaceBytes, filtersBytes());
    }

    private Pointer workspace() {
        return scratch.memory().view(0, workspaceBytes).pointer();
    }

    @Override
    public void close() {
        closing.run();
    }
}
