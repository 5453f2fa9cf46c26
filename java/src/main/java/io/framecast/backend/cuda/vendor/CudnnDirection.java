package io.framecast.backend.cuda.vendor;

import static io.framecast.backend.cuda.vendor.VendorCalls.SUCCESS;
import static io.framecast.backend.cuda.vendor.VendorCalls.checkCudnn;
import static jcuda.jcudnn.JCudnn.cudnnGetConvolutionBackwardDataAlgorithmMaxCount;
import static jcuda.jcudnn.JCudnn.cudnnGetConvolutionBackwardDataAlgorithm_v7;
import static jcuda.jcudnn.JCudnn.cudnnGetConvolutionBackwardDataWorkspaceSize;
import static jcuda.jcudnn.JCudnn.cudnnGetConvolutionBackwardFilterAlgorithmMaxCount;
import static jcuda.jcudnn.JCudnn.cudnnGetConvolutionBackwardFilterAlgorithm_v7;
import static jcuda.jcudnn.JCudnn.cudnnGetConvolutionBackwardFilterWorkspaceSize;
import static jcuda.jcudnn.JCudnn.cudnnGetConvolutionForwardAlgorithmMaxCount;
import static jcuda.jcudnn.JCudnn.cudnnGetConvolutionForwardAlgorithm_v7;
import static jcuda.jcudnn.JCudnn.cudnnGetConvolutionForwardWorkspaceSize;
import static jcuda.jcudnn.cudnnConvolutionBwdDataAlgo.CUDNN_CONVOLUTION_BWD_DATA_ALGO_1;
import static jcuda.jcudnn.cudnnConvolutionBwdFilterAlgo.CUDNN_CONVOLUTION_BWD_FILTER_ALGO_1;
import static jcuda.jcudnn.cudnnConvolutionFwdAlgo.CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM;
import static jcuda.jcudnn.cudnnDeterminism.CUDNN_DETERMINISTIC;

import io.framecast.FramecastException;
import io.framecast.Remedy;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import jcuda.jcudnn.cudnnConvolutionBwdDataAlgoPerf;
import jcuda.jcudnn.cudnnConvolutionBwdFilterAlgoPerf;
import jcuda.jcudnn.cudnnConvolutionFwdAlgoPerf;
import jcuda.jcudnn.cudnnHandle;

/** The three computations of a convolution in cuDNN, and the choice of an algorithm for each. */
enum CudnnDirection {

    FORWARD(CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM) {
        @Override
        List<Offer> offers(cudnnHandle handle, CudnnDescriptors d) {
            int[] count = new int[1];
            checkCudnn(cudnnGetConvolutionForwardAlgorithmMaxCount(handle, count),
                    "cudnnGetConvolutionForwardAlgorithmMaxCount");
            var found = new cudnnConvolutionFwdAlgoPerf[count[0]];
            checkCudnn(cudnnGetConvolutionForwardAlgorithm_v7(handle, d.x, d.filters, d.convolution, d.y, found.length,
                    count, found), "cudnnGetConvolutionForwardAlgorithm_v7");
            return Arrays.stream(found, 0, count[0])
                    .map(p -> new Offer(p.algo, p.status, p.determinism, UNKNOWN_MATH)).toList();
        }

        @Override
        int workspaceSize(cudnnHandle handle, CudnnDescriptors d, int algorithm, long[] bytes) {
            return cudnnGetConvolutionForwardWorkspaceSize(handle, d.x, d.filters, d.convolution, d.y, algorithm,
                    bytes);
        }
    },

    BACKWARD_DATA(CUDNN_CONVOLUTION_BWD_DATA_ALGO_1) {
        @Override
        List<Offer> offers(cudnnHandle handle, CudnnDescriptors d) {
            int[] count = new int[1];
            checkCudnn(cudnnGetConvolutionBackwardDataAlgorithmMaxCount(handle, count),
                    "cudnnGetConvolutionBackwardDataAlgorithmMaxCount");
            var found = new cudnnConvolutionBwdDataAlgoPerf[count[0]];
            checkCudnn(cudnnGetConvolutionBackwardDataAlgorithm_v7(handle, d.filters, d.y, d.convolution, d.x,
                    found.length, count, found), "cudnnGetConvolutionBackwardDataAlgorithm_v7");
            return Arrays.stream(found, 0, count[0])
                    .map(p -> new Offer(p.algo, p.status, p.determinism, UNKNOWN_MATH)).toList();
        }

        @Override
        int workspaceSize(cudnnHandle handle, CudnnDescriptors d, int algorithm, long[] bytes) {
            return cudnnGetConvolutionBackwardDataWorkspaceSize(handle, d.filters, d.y, d.convolution, d.x, algorithm,
                    bytes);
        }
    },

    BACKWARD_WEIGHTS(CUDNN_CONVOLUTION_BWD_FILTER_ALGO_1) {
        @Override
        List<Offer> offers(cudnnHandle handle, CudnnDescriptors d) {
            int[] count = new int[1];
            checkCudnn(cudnnGetConvolutionBackwardFilterAlgorithmMaxCount(handle, count),
                    "cudnnGetConvolutionBackwardFilterAlgorithmMaxCount");
            var found = new cudnnConvolutionBwdFilterAlgoPerf[count[0]];
            checkCudnn(cudnnGetConvolutionBackwardFilterAlgorithm_v7(handle, d.x, d.y, d.convolution, d.filters,
                    found.length, count, found), "cudnnGetConvolutionBackwardFilterAlgorithm_v7");
            return Arrays.stream(found, 0, count[0]).map(p -> new Offer(p.algo, p.status, p.determinism, p.mathType))
                    .toList();
        }

        @Override
        int workspaceSize(cudnnHandle handle, CudnnDescriptors d, int algorithm, long[] bytes) {
            return cudnnGetConvolutionBackwardFilterWorkspaceSize(handle, d.x, d.y, d.convolution, d.filters,
                    algorithm, bytes);
        }
    };

    /** JCuda copies the math type of an algorithm for the gradient of the weights only. */
    private static final int UNKNOWN_MATH = -1;

    /**
     * The algorithm that multiplies the operands themselves on tensor cores. cuDNN's documentation of its legacy API
     * has it there whenever the convolution's math type is CUDNN_TENSOR_OP_MATH and channels and addresses are
     * multiples of 16 bytes. The one other algorithm on tensor cores, Winograd's, rounds sums of operands.
     */
    private final int onTensorCores;

    CudnnDirection(int onTensorCores) {
        this.onTensorCores = onTensorCores;
    }

    /** An algorithm of cuDNN's ranking. */
    record Offer(int algorithm, int status, int determinism, int mathType) {
    }

    /** @param workspace in bytes */
    record Choice(int algorithm, long workspace) {
    }

    /** The algorithms in cuDNN's order, from the fastest it expects. */
    abstract List<Offer> offers(cudnnHandle handle, CudnnDescriptors d);

    /** Gets the workspace of an algorithm; the status says whether it can be used at all. */
    abstract int workspaceSize(cudnnHandle handle, CudnnDescriptors d, int algorithm, long[] bytes);

    /**
     * The first usable algorithm whose workspace is within the limit; if there is none, the usable one with the
     * smallest workspace.
     *
     * @throws FramecastException if cuDNN has no usable one for this convolution
     */
    Choice choose(cudnnHandle handle, CudnnDescriptors d, long limit) {
        List<Offer> offers;
        try {
            offers = offers(handle, d);
        } catch (ArrayIndexOutOfBoundsException e) {
            // JCuda copies the results also after a call that failed, and loses the status.
            throw new FramecastException("cuDNN does not rank its algorithms for " + words() + " of " + d
                    + "; use this project's kernels.", e, Remedy.KERNEL_CONVOLUTIONS);
        }
        Choice least = null;
        for (Offer offer : offers) {
            long[] bytes = new long[1];
            // The ranking can contain algorithms that cannot be used.
            if (!isUsable(offer, d.arithmetic()) || workspaceSize(handle, d, offer.algorithm, bytes) != SUCCESS) {
                continue;
            }
            if (bytes[0] <= limit) {
                return new Choice(offer.algorithm, bytes[0]);
            }
            if (least == null || bytes[0] < least.workspace) {
                least = new Choice(offer.algorithm, bytes[0]);
            }
        }
        if (least == null) {
            throw new FramecastException("cuDNN has no algorithm in " + d.arithmetic() + " that gives the same result "
                    + "every time for " + words() + " of " + d + "; use this project's kernels.",
                    Remedy.KERNEL_CONVOLUTIONS);
        }
        return least;
    }

    /**
     * Whether an algorithm gives the same bits every time, and multiplies as asked. Where tensor cores are asked for,
     * the ranking also has algorithms without them.
     */
    private boolean isUsable(Offer offer, Arithmetic arithmetic) {
        return offer.status == SUCCESS && offer.determinism == CUDNN_DETERMINISTIC
                && (offer.mathType == UNKNOWN_MATH || arithmetic.isOf(offer.mathType))
                && (arithmetic == Arithmetic.FP32 || offer.algorithm == onTensorCores);
    }

    private String words() {
        return name().toLowerCase(Locale.ROOT).replace('_', ' ');
    }
}
