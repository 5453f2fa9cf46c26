package io.framecast.backend.cuda.launch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.framecast.backend.FetchListener;
import io.framecast.backend.cuda.compiler.KernelBundle;
import io.framecast.backend.cuda.compiler.KernelImages;
import io.framecast.backend.cuda.driver.CudaDevice;
import io.framecast.backend.cuda.driver.CudaException;
import io.framecast.softgpu.SoftGpu;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledIfSystemProperty;
import org.junit.jupiter.api.io.TempDir;

/** Drivers that do not take compiled kernels. */
@DisabledIfSystemProperty(named = "framecast.device", matches = "cuda", disabledReason = "faults are injected")
class LoadedKernelsTest {

    private static final int NO_BINARY_FOR_GPU = 209;
    private static final int OUT_OF_MEMORY = 2;

    @TempDir
    Path bundle;

    @AfterEach
    void reset() {
        SoftGpu.inject(null);
    }

    private void bundle() {
        KernelBundle made = new KernelBundle(bundle);
        made.addPtx("adam.cu", List.of());
        made.write();
    }

    private void load(String faults, boolean bundled) {
        Map<String, String> environment = new HashMap<>(System.getenv());
        if (bundled) {
            environment.put(KernelBundle.VARIABLE, bundle.toString());
        }
        try (CudaDevice device = CudaDevice.open(true)) {
            SoftGpu.inject(faults);
            assertNotNull(new CudaOps(device, new KernelImages(environment, FetchListener.NONE)).kernel("adam.cu",
                    "adam"));
        }
    }

    @Test
    void oneThatRefusesTheBundlesKernelsGetsThoseOfTheCompiler() {
        bundle();
        load("cuModuleLoadData:1=" + NO_BINARY_FOR_GPU, true);
        CudaException both = assertThrows(CudaException.class, () -> load("cuModuleLoadData:1=" + NO_BINARY_FOR_GPU
                + ",cuModuleLoadData:2=" + NO_BINARY_FOR_GPU, true));
        assertEquals(NO_BINARY_FOR_GPU, both.result());
        assertEquals(1, both.getSuppressed().length);
        assertEquals(NO_BINARY_FOR_GPU, assertThrows(CudaException.class,
                () -> load("cuModuleLoadData:1=" + NO_BINARY_FOR_GPU, false)).result());
    }

    @Test
    void otherErrorsAreNotTriedAgain() {
        bundle();
        assertEquals(OUT_OF_MEMORY, assertThrows(CudaException.class,
                () -> load("cuModuleLoadData:1=" + OUT_OF_MEMORY, true)).result());
    }
}
