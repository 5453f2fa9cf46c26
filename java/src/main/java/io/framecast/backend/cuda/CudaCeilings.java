package io.framecast.backend.cuda;

import io.framecast.backend.Ceilings;
import io.framecast.backend.Precision;
import io.framecast.backend.Tensor;
import io.framecast.backend.cuda.convolution.ConvolutionFamily;
import io.framecast.backend.cuda.convolution.ConvolutionShape;
import io.framecast.backend.cuda.convolution.CudaConvolution;
import io.framecast.backend.cuda.driver.CudaDevice;
import io.framecast.backend.cuda.driver.DeviceMemory;
import io.framecast.backend.cuda.launch.CudaOps;
import java.util.Map;

/**
 * Measures what a GPU does at its best: a large matrix product, and a large copy. The product is a convolution of 1x1
 * by the convolutions of the backend: cuBLAS's product if those are the vendor's, else that of this project's kernels.
 */
final class CudaCeilings {

    /** Rows, columns and depth of the product where there is memory for it, and where there is less. */
    private static final int LARGE = 8192;
    private static final int SMALL = 2048;

    /** Bytes of free memory that the large product and the copy are measured with. */
    private static final long ENOUGH = 4L << 30;

    private static final int RUNS = 4;

    private static final String WHOLE = "the whole call";

    private CudaCeilings() {
    }

    static Ceilings measure(CudaOps ops, ConvolutionFamily family, Precision precision) {
        int size = ops.device().memoryState().free() >= ENOUGH ? LARGE : SMALL;
        return measure(ops, family, precision, size);
    }

    /** With matrices of this size, and copies of one. */
    static Ceilings measure(CudaOps ops, ConvolutionFamily family, Precision precision, int size) {
        CudaDevice device = ops.device();
        long values = (long) size * size;
        try (Tensor x = ops.zeros(values); Tensor w = ops.zeros(values); Tensor y = ops.zeros(values)) {
            double product = 2.0 * size * values / product(ops, family, size, x, w, y);
            DeviceMemory from = CudaOps.memory(x);
            DeviceMemory to = CudaOps.memory(y);
            double copy = Double.MAX_VALUE;
            for (int run = 0; run < RUNS; run++) {
                copy = Math.min(copy, device.timed(WHOLE, () -> from.copyTo(0, to, 0, values)).get(WHOLE));
            }
            return new Ceilings(product, precision == Precision.FP32 ? product : Double.NaN,
                    precision == Precision.BF16 ? product : Double.NaN, 2.0 * Float.BYTES * values / copy);
        }
    }

    /** The seconds of the fastest of some runs; without the kernels that only convert the operands. */
    private static double product(CudaOps ops, ConvolutionFamily family, int size, Tensor x, Tensor w, Tensor y) {
        int height = 32;
        ConvolutionShape shape = ConvolutionShape.same(height, size / height, size, size, 1, 1);
        try (CudaConvolution convolution = family.make(shape, false, 1, 1, false)) {
            DeviceMemory input = convolution.input(1, x);
            double best = Double.MAX_VALUE;
            for (int run = 0; run < RUNS; run++) {
                Map<String, Double> times = ops.device().timed(WHOLE, () -> convolution.forward(1, input,
                        CudaOps.memory(w), null, CudaOps.memory(y), false));
                double conversions = times.entrySet().stream().filter(one -> one.getKey().startsWith("pack"))
                        .mapToDouble(Map.Entry::getValue).sum();
                best = Math.min(best, times.get(WHOLE) - conversions);
            }
            return best;
        }
    }
}
