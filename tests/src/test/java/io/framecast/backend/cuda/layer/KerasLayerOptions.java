package io.framecast.backend.cuda.layer;

import io.framecast.backend.Elementwise;
import io.framecast.backend.PoolingSpec;
import io.framecast.backend.UpSamplingSpec;
import java.util.List;
import java.util.Map;

/** The compiler options of the kernels of layers without convolutions, for tests in other packages. */
public final class KerasLayerOptions {

    private KerasLayerOptions() {
    }

    /** By file, options of some shapes, with a label for each. */
    public static final Map<String, Map<String, List<String>>> BY_FILE = Map.of(
            "functions.cu", Map.of(" GELU", CudaElementwise.options(Elementwise.GELU),
                    " SOFTPLUS", CudaElementwise.options(Elementwise.SOFTPLUS),
                    " SELU", CudaElementwise.options(Elementwise.SELU)),
            "pooling.cu", Map.of(" max", CudaPooling.options(pooling(true)),
                    " average", CudaPooling.options(pooling(false))),
            "upsampling.cu", Map.of(" nearest", CudaUpSampling.options(upSampling(false)),
                    " bilinear", CudaUpSampling.options(upSampling(true))),
            "layer_norm.cu", Map.of(" 64", CudaLayerNorm.options(64), " 7", CudaLayerNorm.options(7)));

    private static PoolingSpec pooling(boolean max) {
        return new PoolingSpec(31, 29, 20, 3, 2, 2, 1, true, max);
    }

    private static UpSamplingSpec upSampling(boolean bilinear) {
        return new UpSamplingSpec(31, 29, 20, 2, 3, bilinear);
    }
}
