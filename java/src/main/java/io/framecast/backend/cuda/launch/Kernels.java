package io.framecast.backend.cuda.launch;

import io.framecast.backend.cuda.compiler.KernelImages;
import io.framecast.backend.cuda.driver.CudaDevice;
import io.framecast.backend.cuda.driver.CudaKernel;
import io.framecast.backend.cuda.driver.CudaModule;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** The modules of a device, each loaded once and shared by all ops; they are unloaded with the device. */
final class Kernels {

    private final CudaDevice device;
    private final KernelImages images;
    private final Map<ModuleSource, CudaModule> modules = new HashMap<>();

    Kernels(CudaDevice device, KernelImages images) {
        this.device = device;
        this.images = images;
    }

    CudaKernel get(String file, String name, List<String> options) {
        return modules.computeIfAbsent(new ModuleSource(file, options), this::load).kernel(name);
    }

    /** What is loaded. */
    Set<ModuleSource> loaded() {
        return Set.copyOf(modules.keySet());
    }

    private CudaModule load(ModuleSource source) {
        return device.load(source.file(),
                images.image(source.file(), device.computeCapability(), device.isSoftware(), source.options()));
    }
}
