package io.framecast.backend.cuda.launch;

import io.framecast.backend.cuda.driver.CudaDevice;
import io.framecast.backend.cuda.driver.CudaKernel;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Lists the sources that a device asks for, without compiling them. Each kernel is an empty one, which ignores the
 * arguments of its launches.
 */
final class ListedKernels implements Kernels {

    private static final String EMPTY = """
            .version 8.0
            .target sm_80
            .address_size 64
            .visible .entry %s() { ret; }
            """;

    private final CudaDevice device;
    private final Set<ModuleSource> sources = new HashSet<>();
    private final Map<String, CudaKernel> kernels = new HashMap<>();

    ListedKernels(CudaDevice device) {
        this.device = device;
    }

    @Override
    public CudaKernel get(String file, String name, List<String> options) {
        sources.add(new ModuleSource(file, List.copyOf(options)));
        return kernels.computeIfAbsent(name, this::empty);
    }

    private CudaKernel empty(String name) {
        return device.load(name, EMPTY.formatted(name).getBytes(StandardCharsets.UTF_8)).kernel(name);
    }

    @Override
    public Set<ModuleSource> sources() {
        return Set.copyOf(sources);
    }
}
