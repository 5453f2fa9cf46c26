package io.framecast.backend.cuda.compiler;

import io.framecast.FramecastException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;

/**
 * Kernels that were compiled beforehand, for machines without a compiler: machine code for some architectures, and PTX,
 * which the driver itself compiles. The directory is named by the environment variable FRAMECAST_KERNELS.
 */
public final class KernelBundle {

    /** The environment variable. */
    public static final String VARIABLE = "FRAMECAST_KERNELS";

    /** The architecture of all PTX: our kernels use nothing newer. */
    private static final int PTX_CAPABILITY = 80;
    private static final String PTX = "compute_" + PTX_CAPABILITY;

    /**
     * The version of the PTX language that the images declare: that of CUDA 12.0, the oldest driver that we support. A
     * driver refuses PTX of a newer version than its own, and NVRTC declares its own version, whatever the text uses.
     * The declaration may be lowered as long as the text uses only instructions that the version has: those of
     * compute_80 are of version 7.0, and no version since has changed what one of them means (PTX manual, "Release
     * Notes"). KernelBundleTest gives the text to an older ptxas, which refuses what a version does not have.
     */
    private static final String PTX_VERSION = ".version 8.0";

    private final Optional<ImagePacks> images;

    /** Those to be written. */
    private final List<ImagePacks.Image> added = Collections.synchronizedList(new ArrayList<>());

    private KernelBundle(Optional<ImagePacks> images) {
        this.images = images;
    }

    /** A bundle that is there, or to be made. */
    public KernelBundle(Path directory) {
        this(Optional.of(new ImagePacks(directory)));
    }

    /** The bundle that the environment names; without any image if it names none. */
    static KernelBundle of(Map<String, String> environment) {
        String directory = environment.getOrDefault(VARIABLE, "");
        return new KernelBundle(directory.isEmpty() ? Optional.empty()
                : Optional.of(new ImagePacks(Path.of(directory))));
    }

    /** Whether there is a bundle. */
    boolean isPresent() {
        return images.isPresent();
    }

    /** What a device can load of a source, the fastest first; empty if the bundle does not have it. */
    List<byte[]> find(CudaSource source, int computeCapability, boolean software, List<String> options) {
        if (images.isEmpty()) {
            return List.of();
        }
        return architectures(computeCapability, software).stream()
                .flatMap(architecture -> images.get().read(key(source, architecture, options)).stream()).toList();
    }

    private static List<String> architectures(int computeCapability, boolean software) {
        List<String> architectures = new ArrayList<>();
        // Machine code runs on GPUs of the same major version, from its own minor version on.
        for (int c = computeCapability; !software && c >= computeCapability / 10 * 10; c--) {
            architectures.add("sm_" + c);
        }
        if (computeCapability >= PTX_CAPABILITY) {
            architectures.add(PTX);
        }
        return architectures;
    }

    private static String key(CudaSource source, String architecture, List<String> options) {
        return ImageDirectory.key("", source, architecture, options);
    }

    /**
     * Compiles a source to machine code, and adds it to what {@link #write} writes.
     *
     * @param file as in {@link KernelImages#image}
     * @param options as there
     * @return the bytes of the image
     * @throws FramecastException if it does not compile
     */
    public int addMachineCode(String file, int computeCapability, List<String> options) {
        return add(file, "sm_" + computeCapability, options);
    }

    /** The same as PTX, for all devices that have no machine code in the bundle, and for the software device. */
    public int addPtx(String file, List<String> options) {
        return add(file, PTX, options);
    }

    private int add(String file, String architecture, List<String> options) {
        CudaSource source = CudaSource.of(file);
        List<String> all = KernelImages.all(options);
        // Without line numbers, which take more space than the code. The key has all options: it is that of a request.
        List<String> used = all.stream().filter(option -> !option.equals(KernelImages.LINE_INFO)).toList();
        byte[] image = CudaCompiler.compile(source, architecture, used).image();
        if (architecture.equals(PTX)) {
            image = withVersion(image);
        }
        added.add(new ImagePacks.Image(key(source, architecture, all), file + " " + architecture + " " + all, image));
        return image.length;
    }

    /**
     * Writes all that was added.
     *
     * @return the bytes of the files
     * @throws FramecastException if they cannot be written
     */
    public long write() {
        return images.orElseThrow().write(List.copyOf(added));
    }

    /** PTX that declares {@link #PTX_VERSION}. */
    private static byte[] withVersion(byte[] ptx) {
        String text = new String(ptx, StandardCharsets.UTF_8);
        String lowered = text.replaceFirst("(?m)^\\.version \\d+\\.\\d+", PTX_VERSION);
        if (!lowered.contains("\n" + PTX_VERSION + "\n")) {
            throw new IllegalStateException("the PTX declares no version: " + text.lines().limit(20).toList());
        }
        return lowered.getBytes(StandardCharsets.UTF_8);
    }

    /**
     * The compute capabilities of a list that the compiler here cannot compile for.
     *
     * @throws FramecastException if there is no compiler
     */
    public static TreeSet<Integer> unsupported(Iterable<Integer> computeCapabilities) {
        TreeSet<Integer> unsupported = new TreeSet<>();
        computeCapabilities.forEach(unsupported::add);
        unsupported.removeAll(Nvrtc.computeCapabilities());
        return unsupported;
    }
}
