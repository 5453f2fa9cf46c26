package io.framecast.backend.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.framecast.backend.Convolutions;
import io.framecast.backend.Precision;
import io.framecast.backend.cuda.driver.CudaDriver;
import io.framecast.backend.cuda.launch.ModuleSource;
import io.framecast.nn.ModelConfig;
import io.framecast.nn.ModelJson;
import io.framecast.softgpu.SoftGpu;
import io.framecast.train.Checkpoint;
import io.framecast.train.MovingSquares;
import io.framecast.train.Trainer;
import io.framecast.train.TrainingSettings;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.DisabledIfSystemProperty;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

@Timeout(240)
@DisabledIfSystemProperty(named = "framecast.device", matches = "cuda", disabledReason = "the list is made on softgpu")
class ListedKernelsTest {

    private static final ModelConfig MODEL = ModelJson.parse("""
            {"input": {"height": 8, "width": 8, "channels": 1}, "layers": [
              {"type": "SpaceToDepth", "block_size": 2},
              {"type": "ConvLSTM2D", "filters": 8, "kernel_size": 3, "padding": "same", "activation": "tanh"},
              {"type": "BatchNormalization"},
              {"type": "Conv3D", "filters": 4, "kernel_size": 3, "activation": "sigmoid"},
              {"type": "DepthToSpace", "block_size": 2}]}
            """, "test");

    private static final TrainingSettings SETTINGS = TrainingSettings.builder("motion").epochs(1).steps(1).build();

    private static Set<ModuleSource> modules(CudaBackend opened) {
        try (CudaBackend backend = opened) {
            Trainer.fit(backend, Checkpoint.initial(MODEL, 1), new MovingSquares(2, 6, 8, 8, 1),
                    new MovingSquares(1, 6, 8, 8, 1), SETTINGS);
            return backend.loadedModules();
        }
    }

    private static CudaDriver.Device device() {
        return CudaDriver.openSoftware().devices().get(0);
    }

    /** The whole run, with all that is loaded on the way. Only the check of a device at its begin is not made. */
    @ParameterizedTest
    @EnumSource(Precision.class)
    void theListIsWhatARunLoads(Precision precision) {
        Set<ModuleSource> loaded = modules(new CudaBackend(true, precision, Convolutions.KERNELS, false));
        String before = SoftGpu.options();
        SoftGpu.configure("checks=none");
        try {
            Set<ModuleSource> listed = modules(CudaBackend.listing(device(), precision, Convolutions.KERNELS));
            assertEquals(loaded, listed);
        } finally {
            SoftGpu.configure(before);
        }
    }

    @Test
    void tilesAreThoseOfTheDeviceThatIsClaimed() {
        CudaDriver.Device device = device();
        CudaDriver.Device small = new CudaDriver.Device("small", 120, 1, device.memory(), 99 << 10, 100 << 10,
                List.of());
        String before = SoftGpu.options();
        SoftGpu.configure("checks=none");
        try {
            for (Precision precision : List.of(Precision.FP32, Precision.BF16)) {
                Set<ModuleSource> large = modules(CudaBackend.listing(device, precision, Convolutions.KERNELS));
                Set<ModuleSource> other = modules(CudaBackend.listing(small, precision, Convolutions.KERNELS));
                assertEquals(files(large), files(other));
                assertTrue(!large.equals(other), () -> "the same tiles for 108 multiprocessors and for one: " + large);
            }
        } finally {
            SoftGpu.configure(before);
        }
    }

    private static Set<String> files(Set<ModuleSource> modules) {
        return modules.stream().map(ModuleSource::file).collect(Collectors.toSet());
    }
}
