package io.framecast.backend.cuda.vendor;

import static io.framecast.backend.cuda.vendor.VendorCalls.checkCudnn;
import static jcuda.jcudnn.JCudnn.cudnnConvolutionBackwardData;
import static jcuda.jcudnn.JCudnn.cudnnConvolutionBackwardFilter;
import static jcuda.jcudnn.JCudnn.cudnnConvolutionForward;

import io.framecast.FramecastException;
import io.framecast.Remedy;
import io.framecast.backend.cuda.convolution.ConvolutionFamily;
import io.framecast.backend.cuda.convolution.ConvolutionShape;
import io.framecast.backend.cuda.driver.Closing;
import io.framecast.backend.cuda.driver.DeviceMemory;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import jcuda.Pointer;
import jcuda.jcudnn.cudnnHandle;

/**
 * The calls of cuDNN for a convolution, with the algorithms chosen for it. Arrays are in NHWC and of the type that the
 * {@link Arithmetic} says; filters are (outputs, taps, inputs), the order that its algorithms for NHWC want.
 */
final class CudnnCalls implements AutoCloseable {

    /** The limit for an algorithm, and the least that is reserved. It is scratch: a model's convolutions share it. */
    private static final long WORKSPACE_BYTES = 256L << 20;

    private static final Pointer ONE = Pointer.to(new float[] {1});
    private static final Pointer ZERO = Pointer.to(new float[] {0});

    private static final List<CudnnDirection> FORWARD = List.of(CudnnDirection.FORWARD);

    private record Use(CudnnDirection direction, int images) {
    }

    private final VendorLibraries libraries;
    private final CudnnDescriptors descriptors;
    private final Map<Use, Integer> algorithms = new HashMap<>();
    private final long workspaceBytes;

    /**
     * As {@link ConvolutionFamily#make}.
     *
     * @throws FramecastException if there is no cuDNN 9, it does not start, or it cannot compute this
     */
    CudnnCalls(VendorLibraries libraries, Arithmetic arithmetic, ConvolutionShape shape, int images, int sequence,
            boolean training) {
        this.libraries = libraries;
        cudnnHandle handle = libraries.cudnn();
        requireSize(shape, arithmetic, Math.max(images, sequence));
        descriptors = new CudnnDescriptors(shape, arithmetic);
        try {
            long most = WORKSPACE_BYTES;
            for (CudnnDirection direction : training ? List.of(CudnnDirection.values()) : FORWARD) {
                int count = direction == CudnnDirection.BACKWARD_WEIGHTS ? sequence : images;
                descriptors.setImages(count);
                CudnnDirection.Choice choice = direction.choose(handle, descriptors, WORKSPACE_BYTES);
                algorithms.put(new Use(direction, count), choice.algorithm());
                most = Math.max(most, choice.workspace());
            }
            workspaceBytes = most;
        } catch (RuntimeException e) {
            Closing closing = new Closing();
            closing.add(descriptors::close);
            closing.runAfter(e);
            throw e;
        }
    }

    private static void requireSize(ConvolutionShape shape, Arithmetic arithmetic, int images) {
        long values = Math.multiplyExact(images, Math.max(shape.inputSize(), shape.outputSize()));
        if (values > Integer.MAX_VALUE) {
            String message = "A convolution over " + images + " images has " + values + " values, and cuDNN takes less "
                    + "than 2^31; choose a smaller batch";
            // In fp32, cuDNN's limit is the same.
            throw arithmetic == Arithmetic.FP32
                    ? new FramecastException(message + ", or this project's kernels.", Remedy.SMALLER_BATCH,
                            Remedy.KERNEL_CONVOLUTIONS)
                    : new FramecastException(message + ".", Remedy.SMALLER_BATCH);
        }
    }

    /** The size of the workspace that each call needs, which it overwrites. */
    long workspaceBytes() {
        return workspaceBytes;
    }

    /** y = conv(x, filters), or y += it. */
    void forward(int images, DeviceMemory workspace, DeviceMemory x, DeviceMemory filters, DeviceMemory y,
            boolean accumulate) {
        cudnnHandle handle = libraries.cudnn();
        int algorithm = prepare(handle, CudnnDirection.FORWARD, images);
        checkCudnn(cudnnConvolutionForward(handle, ONE, descriptors.x, x.pointer(), descriptors.filters,
                filters.pointer(), descriptors.convolution, algorithm, workspace.pointer(), workspaceBytes,
                accumulate ? ONE : ZERO, descriptors.y, y.pointer()), "cudnnConvolutionForward");
    }

    /** dx = the gradient of x, or dx += it. */
    void backwardData(int images, DeviceMemory workspace, DeviceMemory dy, DeviceMemory filters, DeviceMemory dx,
            boolean accumulate) {
        cudnnHandle handle = libraries.cudnn();
        int algorithm = prepare(handle, CudnnDirection.BACKWARD_DATA, images);
        checkCudnn(cudnnConvolutionBackwardData(handle, ONE, descriptors.filters, filters.pointer(), descriptors.y,
                dy.pointer(), descriptors.convolution, algorithm, workspace.pointer(), workspaceBytes,
                accumulate ? ONE : ZERO, descriptors.x, dx.pointer()), "cudnnConvolutionBackwardData");
    }

    /** filters = the gradient of the filters. */
    void backwardWeights(int images, DeviceMemory workspace, DeviceMemory x, DeviceMemory dy, DeviceMemory filters) {
        cudnnHandle handle = libraries.cudnn();
        int algorithm = prepare(handle, CudnnDirection.BACKWARD_WEIGHTS, images);
        checkCudnn(cudnnConvolutionBackwardFilter(handle, ONE, descriptors.x, x.pointer(), descriptors.y, dy.pointer(),
                descriptors.convolution, algorithm, workspace.pointer(), workspaceBytes, ZERO, descriptors.filters,
                filters.pointer()), "cudnnConvolutionBackwardFilter");
    }

    /** Sets the descriptors' number of images, and returns the algorithm for it. */
    private int prepare(cudnnHandle handle, CudnnDirection direction, int images) {
        descriptors.setImages(images);
        return algorithms.computeIfAbsent(new Use(direction, images), use -> {
            CudnnDirection.Choice choice = direction.choose(handle, descriptors, workspaceBytes);
            if (choice.workspace() > workspaceBytes) {
                throw new FramecastException("cuDNN needs " + DeviceMemory.text(choice.workspace())
                        + " of workspace for " + images + " images, and " + DeviceMemory.text(workspaceBytes)
                        + " were planned; use this project's kernels.",
                        Remedy.KERNEL_CONVOLUTIONS);
            }
            return choice.algorithm();
        });
    }

    @Override
    public void close() {
        descriptors.close();
    }
}
