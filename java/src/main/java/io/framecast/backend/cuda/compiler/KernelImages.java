package io.framecast.backend.cuda.compiler;

import io.framecast.FramecastException;
import io.framecast.backend.Activation;
import io.framecast.backend.FetchListener;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * The project's CUDA sources as what a driver loads: machine code, or PTX. Each is compiled once for a kind of device
 * and its options, and then kept in the user's cache. The compiler is loaded, and fetched where the machine has none,
 * at the first use.
 */
public final class KernelImages {

    /** The options of every source. ACTIVATIONS is the enumeration of cuda-kernels/activations.cuh. */
    static final List<String> OPTIONS = List.of("--std=c++17", "--generate-line-info", "-DACTIVATIONS="
            + Arrays.stream(Activation.values()).map(Activation::name).collect(Collectors.joining(",")));

    private final KernelCache cache;
    private final FetchListener listener;

    /** @param listener is told when the compiler has to be fetched */
    public KernelImages(Map<String, String> environment, FetchListener listener) {
        this.cache = KernelCache.of(environment);
        this.listener = listener;
    }

    /**
     * The compiled kernels of a source.
     *
     * @param file a resource of io/framecast/cuda, such as "convolution.cu"
     * @param computeCapability ten times the device's major version, plus the minor
     * @param software whether the software device loads it, which takes PTX only
     * @param options further ones of NVRTC, such as "-DTILE=8"
     * @throws FramecastException if there is no compiler, or it does not compile this
     */
    public byte[] image(String file, int computeCapability, boolean software, List<String> options) {
        Nvrtc.load(listener);
        List<String> all = new ArrayList<>(OPTIONS);
        all.addAll(options);
        String architecture = CudaCompiler.architecture(computeCapability, software, Nvrtc.computeCapabilities());
        return cache.image(CudaSource.of(file), architecture, all);
    }

    /**
     * Version and directory of the compiler on this machine, and the directories that were passed over. Nothing is
     * fetched.
     *
     * @throws FramecastException if there is none, or none that can be loaded
     */
    public static String describeCompiler() {
        return Nvrtc.describe();
    }
}
