package io.framecast.backend.cuda;

import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The modules of a device, each loaded once and shared by all ops; they are unloaded with the device. */
final class Kernels {

    private record Key(String file, List<String> options) {
    }

    private final CudaDevice device;
    private final Map<Key, CudaModule> modules = new HashMap<>();

    Kernels(CudaDevice device) {
        this.device = device;
    }

    /**
     * A kernel of a CUDA source compiled for this device.
     *
     * @throws io.framecast.FramecastException if it cannot be compiled or loaded
     */
    CudaKernel get(String file, String name, List<String> options) {
        return modules.computeIfAbsent(new Key(file, options), key -> device.module(file, options)).kernel(name);
    }

    CudaKernel get(String file, String name) {
        return get(file, name, List.of());
    }
}
