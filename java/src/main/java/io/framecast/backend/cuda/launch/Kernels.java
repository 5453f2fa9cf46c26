package io.framecast.backend.cuda.launch;

import io.framecast.backend.cuda.compiler.KernelImages;
import io.framecast.backend.cuda.driver.CudaDevice;
import io.framecast.backend.cuda.driver.CudaKernel;
import io.framecast.backend.cuda.driver.CudaModule;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The modules of a device, each loaded once and shared by all ops; they are unloaded with the device. */
final class Kernels {

    private record Key(String file, List<String> options) {
    }

    private final CudaDevice device;
    private final KernelImages images;
    private final Map<Key, CudaModule> modules = new HashMap<>();

    Kernels(CudaDevice device, KernelImages images) {
        this.device = device;
        this.images = images;
    }

    CudaKernel get(String file, String name, List<String> options) {
        return modules.computeIfAbsent(new Key(file, options), this::load).kernel(name);
    }

    private CudaModule load(Key key) {
        return device.load(key.file,
                images.image(key.file, device.computeCapability(), device.isSoftware(), key.options));
    }
}
