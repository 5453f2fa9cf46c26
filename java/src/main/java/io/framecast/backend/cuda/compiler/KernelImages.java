package io.framecast.backend.cuda.compiler;

import io.framecast.FramecastException;
import io.framecast.backend.Activation;
import io.framecast.backend.FetchListener;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/**
 * The project's CUDA sources as what a driver loads: machine code, or PTX. They come from the {@link KernelBundle}, if
 * there is one that has them. Else each is compiled once for a kind of device and its options, and then kept in the
 * user's cache. The compiler is loaded, and fetched where the machine has none, at the first use.
 */
public final class KernelImages {

    static final String LINE_INFO = "--generate-line-info";

    /** The options of every source. ACTIVATIONS is the enumeration of cuda-kernels/activations.cuh. */
    static final List<String> OPTIONS = List.of("--std=c++17", LINE_INFO, "-DACTIVATIONS="
            + Arrays.stream(Activation.values()).map(Activation::name).collect(Collectors.joining(",")));

    private final KernelBundle bundle;
    private final Map<String, String> environment;
    private final FetchListener listener;

    /** @param listener is told when the compiler has to be fetched */
    public KernelImages(Map<String, String> environment, FetchListener listener) {
        this.bundle = KernelBundle.of(environment);
        this.environment = environment;
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
        return images(file, computeCapability, software, options).get(0).get();
    }

    /**
     * The same, with others after it for a driver that does not take the first: those of the bundle, and the last one
     * by the compiler here.
     */
    public List<Supplier<byte[]>> images(String file, int computeCapability, boolean software, List<String> options) {
        CudaSource source = CudaSource.of(file);
        List<String> all = all(options);
        List<Supplier<byte[]>> images = new ArrayList<>();
        bundle.find(source, computeCapability, software, all).forEach(image -> images.add(() -> image));
        images.add(() -> {
            loadCompiler();
            String architecture = CudaCompiler.architecture(computeCapability, software, Nvrtc.computeCapabilities());
            return KernelCache.of(environment).image(source, architecture, all);
        });
        return images;
    }

    private void loadCompiler() {
        try {
            Nvrtc.load(listener);
        } catch (FramecastException e) {
            throw bundle.isPresent() ? new FramecastException("The bundle has no kernels for this model or batch size, "
                    + "so that they have to be compiled. " + e.getMessage(), e) : e;
        }
    }

    /**
     * The number of multiprocessors by which the tiles of convolutions are to be chosen: the device's, or that of the
     * {@link BundledBoard} whose kernels it takes.
     *
     * @param computeCapability as above
     * @param multiprocessors of the device
     */
    public int tiledMultiprocessors(int computeCapability, int multiprocessors) {
        return bundle.isPresent() ? BundledBoard.standingFor(computeCapability).multiprocessors() : multiprocessors;
    }

    static List<String> all(List<String> options) {
        List<String> all = new ArrayList<>(OPTIONS);
        all.addAll(options);
        return all;
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
