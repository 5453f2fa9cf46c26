package io.framecast.backend.cuda.layer;

import io.framecast.backend.cuda.tensorcore.Operand;
import java.util.List;

/** The compiler's options of batch_norm.cu, for tests of other packages. */
public final class BatchNormOptions {

    private BatchNormOptions() {
    }

    /** For float32 input and output. */
    public static List<String> floats() {
        return CudaBatchNorm.options(null, false, false);
    }

    /** For operands of tensor cores as input and output. */
    public static List<String> of(Operand operand) {
        return CudaBatchNorm.options(operand, true, true);
    }
}
