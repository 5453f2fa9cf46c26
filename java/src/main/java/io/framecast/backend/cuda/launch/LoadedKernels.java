package io.framecast.backend.cuda.launch;

import io.framecast.FramecastException;
import io.framecast.backend.cuda.compiler.KernelImages;
import io.framecast.backend.cuda.driver.CudaDevice;
import io.framecast.backend.cuda.driver.CudaException;
import io.framecast.backend.cuda.driver.CudaKernel;
import io.framecast.backend.cuda.driver.CudaModule;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;

/** The modules of a device, each loaded once and shared by all ops; they are unloaded with the device. */
final class LoadedKernels implements Kernels {

    private final CudaDevice device;
    private final KernelImages images;
    private final Map<ModuleSource, CudaModule> modules = new HashMap<>();

    LoadedKernels(CudaDevice device, KernelImages images) {
        this.device = device;
        this.images = images;
    }

    @Override
    public CudaKernel get(String file, String name, List<String> options) {
        return modules.computeIfAbsent(new ModuleSource(file, options), this::load).kernel(name);
    }

    @Override
    public Set<ModuleSource> sources() {
        return Set.copyOf(modules.keySet());
    }

    /** Loads the first image that the driver takes. */
    private CudaModule load(ModuleSource source) {
        CudaException refused = null;
        for (Supplier<byte[]> image : images.images(source.file(), device.computeCapability(), device.isSoftware(),
                source.options())) {
            try {
                return device.load(source.file(), image.get());
            } catch (FramecastException e) {
                if (refused == null && !(e instanceof CudaException cuda && cuda.isOfImage())) {
                    throw e;
                }
                if (refused == null) {
                    refused = (CudaException) e;
                } else {
                    refused.addSuppressed(e); // It may be that there is no compiler, which is not the first cause.
                }
            }
        }
        throw refused;
    }
}
