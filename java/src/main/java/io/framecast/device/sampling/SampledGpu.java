package io.framecast.device.sampling;

import io.framecast.FramecastException;
import io.framecast.backend.Backend;
import io.framecast.backend.Convolutions;
import io.framecast.backend.DataParallel;
import io.framecast.backend.FetchListener;
import io.framecast.backend.Precision;
import io.framecast.backend.cuda.CudaBackend;
import io.framecast.backend.cuda.compiler.KernelImages;
import io.framecast.backend.cuda.compiler.KernelResources;
import io.framecast.backend.cuda.launch.ModuleSource;
import io.framecast.softgpu.SoftGpu;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The software device in the place of a GPU that is too fast for it: it claims to be that GPU, so that the engine
 * launches what it would launch there, but runs a few blocks of each launch only, and counts for all of them. Whatever
 * is computed on it is meaningless, and may be NaN.
 */
public final class SampledGpu implements AutoCloseable {

    /** Blocks of a launch that run. */
    private static final int BLOCKS = 8;

    private final int computeCapability;
    private final FetchListener compiler;
    private final String before;
    private final CudaBackend backend;
    private final Map<ModuleSource, List<KernelResources>> resources = new HashMap<>();

    private SampledGpu(int computeCapability, Precision precision, FetchListener compiler, String before) {
        this.computeCapability = computeCapability;
        this.compiler = compiler;
        this.before = before;
        // Without graphs: these hold the kernels that are launched one by one, and a capture would take a further step.
        backend = new CudaBackend(true, precision, Convolutions.KERNELS, false, compiler, DataParallel.NONE);
    }

    /**
     * Opens the software device, with this project's convolutions. No other backend of this process may use it.
     *
     * @param computeCapability of the GPU: ten times the major version, plus the minor. The number of multiprocessors
     *     is that of its largest board
     * @param memory of the GPU, in bytes
     * @param precision the format of the operands of convolutions
     * @param threads of the host that run blocks; 0 for one for each processor
     * @param compiler is told when the compiler of kernels has to be fetched
     * @return the device, for the caller to close
     * @throws FramecastException if the software device cannot be used, cannot claim to be this GPU, or does not
     *     support the precision
     */
    public static SampledGpu open(int computeCapability, long memory, Precision precision, int threads,
            FetchListener compiler) {
        SoftGpu.load();
        String before = SoftGpu.options();
        try {
            SoftGpu.configure("counters=caches,compute=" + computeCapability + ",memory=" + memory
                    + (threads > 0 ? ",threads=" + threads : ""));
        } catch (IllegalArgumentException e) {
            throw new FramecastException("The software CUDA device cannot claim to be that GPU: " + e.getMessage()
                    + ".", e);
        }
        try {
            SampledGpu gpu = new SampledGpu(computeCapability, precision, compiler, before);
            SoftGpu.resetCounters();
            SoftGpu.sample(BLOCKS, 1);
            return gpu;
        } catch (RuntimeException e) {
            SoftGpu.configure(before);
            throw e;
        }
    }

    /** {@return the device, as long as this is open; not for the caller to close} */
    public Backend backend() {
        return backend;
    }

    /** Begins anew to count. What was launched before does not run again, and is counted as it was. */
    public void forget() {
        SoftGpu.resetCounters();
    }

    /**
     * {@return what was launched since the last call of {@link #forget}, and has ended: who wants all of it has read
     * something from the device before. With the resources that NVRTC's ptxas reports for the GPU: each source is
     * compiled for it at the first call, which takes a second or so}
     *
     * @throws FramecastException if that fails
     */
    public List<CountedLaunches> counted() {
        Map<String, ModuleSource> sources = new HashMap<>();
        KernelImages images = new KernelImages(System.getenv(), compiler);
        for (ModuleSource source : backend.loadedModules()) {
            sources.put(PtxFingerprint.of(images.image(source.file(), computeCapability, true, source.options())),
                    source);
        }
        List<CountedLaunches> all = new ArrayList<>();
        for (CounterJson.Shape shape : CounterJson.shapes(SoftGpu.countersJson())) {
            ModuleSource source = sources.get(shape.fingerprint());
            if (source == null) {
                throw new IllegalStateException("no module that was loaded has the counted kernel " + shape.kernel());
            }
            KernelResources kernel = resources.computeIfAbsent(source, this::compile).stream()
                    .filter(of -> of.kernel().equals(shape.kernel())).findFirst().orElseThrow();
            all.add(CountedLaunches.of(source, kernel, shape));
        }
        return all;
    }

    private List<KernelResources> compile(ModuleSource source) {
        return KernelResources.ofFile(source.file(), "sm_" + computeCapability, source.options());
    }

    @Override
    public void close() {
        try {
            backend.close();
        } finally {
            SoftGpu.sample(0, 1);
            SoftGpu.configure(before);
        }
    }
}
