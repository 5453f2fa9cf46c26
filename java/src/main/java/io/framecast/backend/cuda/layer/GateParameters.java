package io.framecast.backend.cuda.layer;

import static io.framecast.backend.ConvLstmSpec.GATES;

import io.framecast.backend.Tensor;
import io.framecast.backend.Weights;
import io.framecast.backend.cuda.driver.CudaKernel;
import io.framecast.backend.cuda.driver.DeviceMemory;
import io.framecast.backend.cuda.launch.CudaOps;
import io.framecast.backend.cuda.launch.DeviceArena;
import java.util.List;

/**
 * The parameters of a ConvLSTM in the layout of its kernels: the last axis, in Keras (gates, filters), is transposed to
 * (filters, gates). Kernels that compute gradients transpose back, into the parameters' own gradients.
 */
final class GateParameters {

    private final CudaOps ops;
    private final int filters;
    private final CudaKernel interleave;
    private final Parameter kernel;
    private final Parameter recurrentKernel;
    private final Parameter bias;

    /** @param transposed the values in the kernels' layout */
    private record Parameter(Tensor value, DeviceArena.Region transposed) {
    }

    GateParameters(CudaOps ops, OpResources resources, int filters, Weights kernel, Weights recurrentKernel,
            Weights bias) {
        this.ops = ops;
        this.filters = filters;
        this.interleave = ops.kernel("layout.cu", "interleaveGates");
        this.kernel = parameter(resources, kernel.value());
        this.recurrentKernel = parameter(resources, recurrentKernel.value());
        this.bias = parameter(resources, bias.value());
    }

    private static Parameter parameter(OpResources resources, Tensor value) {
        return new Parameter(value, resources.fixed(value.size()));
    }

    /** Takes the parameters' values as they are now. */
    void update() {
        for (Parameter parameter : List.of(kernel, recurrentKernel, bias)) {
            long n = parameter.value.size() / GATES;
            interleave.launch(ops.itemGrid(n), CudaOps.BLOCK, 0, CudaOps.memory(parameter.value),
                    parameter.transposed.memory(), n, filters);
        }
    }

    DeviceMemory kernel() {
        return kernel.transposed.memory();
    }

    DeviceMemory recurrentKernel() {
        return recurrentKernel.transposed.memory();
    }

    DeviceMemory bias() {
        return bias.transposed.memory();
    }
}
