package io.framecast.device.bundle;

import io.framecast.FramecastException;
import io.framecast.backend.Backend;
import io.framecast.backend.Convolutions;
import io.framecast.backend.Precision;
import io.framecast.backend.cuda.CudaBackend;
import io.framecast.backend.cuda.compiler.BundledBoard;
import io.framecast.backend.cuda.compiler.KernelBundle;
import io.framecast.backend.cuda.driver.CudaDriver;
import io.framecast.backend.cuda.launch.ModuleSource;
import io.framecast.softgpu.SoftGpu;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;

/**
 * The kernels that some work needs. The work really runs, on the software device, with kernels that do nothing, and
 * what it asks for is listed: so the list cannot differ from what the engine will ask for on a GPU.
 */
public final class NeededKernels {

    /** The memory that the software device has for it, of which only touched pages exist. */
    private static final long MEMORY = 80L << 30;
    private static final String SETTINGS = "checks=none,counters=off,memory=" + MEMORY;

    private final Set<ModuleSource> ptx = new HashSet<>();
    private final Map<Integer, Set<ModuleSource>> machineCode = new TreeMap<>();

    /**
     * Adds what some work needs on each board: as machine code, and as PTX.
     *
     * @param precision the format of the operands of convolutions
     * @param work uses the backend, whose results are meaningless, and closes what it makes on it
     */
    public void add(Precision precision, Consumer<Backend> work) {
        for (BundledBoard board : BundledBoard.ALL) {
            Set<ModuleSource> sources = sources(board, precision, Convolutions.KERNELS, work);
            ptx.addAll(sources);
            machineCode.computeIfAbsent(board.computeCapability(), c -> new HashSet<>()).addAll(sources);
        }
    }

    /**
     * Adds what some work needs on each board, as PTX alone.
     *
     * @param precision as in {@link #add}
     * @param work as there
     */
    public void addPtx(Precision precision, Consumer<Backend> work) {
        BundledBoard.ALL.forEach(board -> ptx.addAll(sources(board, precision, Convolutions.KERNELS, work)));
    }

    /**
     * Adds the kernels around the vendors' convolutions that some work needs, as PTX: they are the same on each board.
     *
     * @param precision as in {@link #add}
     * @param work as there
     */
    public void addVendorPtx(Precision precision, Consumer<Backend> work) {
        ptx.addAll(sources(BundledBoard.ALL.get(0), precision, Convolutions.VENDOR, work));
    }

    private static Set<ModuleSource> sources(BundledBoard board, Precision precision, Convolutions convolutions,
            Consumer<Backend> work) {
        SoftGpu.load();
        String before = SoftGpu.options();
        SoftGpu.configure(SETTINGS);
        SoftGpu.sample(4, 1);
        try (CudaBackend backend = CudaBackend.listing(new CudaDriver.Device(board.name(), board.computeCapability(),
                board.multiprocessors(), MEMORY, board.sharedBytes() - (1 << 10), board.sharedBytes(), List.of()),
                precision, convolutions)) {
            work.accept(backend);
            Set<ModuleSource> sources = new HashSet<>(backend.loadedModules());
            // Every backend begins with this one, to see that the device works.
            sources.add(new ModuleSource("activations.cu", List.of()));
            return sources;
        } finally {
            SoftGpu.sample(0, 1);
            SoftGpu.configure(before);
        }
    }

    /** {@return how many images there are: of PTX, and of machine code for each compute capability} */
    public String count() {
        StringBuilder text = new StringBuilder(ptx.size() + " of PTX");
        machineCode.forEach((compute, sources) -> text.append(", ").append(sources.size()).append(" for sm_")
                .append(compute));
        return text.toString();
    }

    /**
     * Compiles all of them, on all processors.
     *
     * @param directory for the images
     * @param progress is told, from several threads, the number of images that are done and that of all
     * @return the bytes of the files
     * @throws FramecastException if the compiler is missing, too old for an architecture, or fails; or if an image
     *     cannot be written
     */
    public long compile(Path directory, Progress progress) {
        Set<Integer> unsupported = KernelBundle.unsupported(machineCode.keySet());
        if (!unsupported.isEmpty()) {
            throw new FramecastException("The NVRTC of this machine does not compile for compute capability "
                    + unsupported + " (in tenths); set FRAMECAST_NVRTC to the directory of one of CUDA 12.8 or later, "
                    + "or to none.");
        }
        KernelBundle bundle = new KernelBundle(directory);
        List<Future<Integer>> images = new ArrayList<>();
        int all = ptx.size() + machineCode.values().stream().mapToInt(Set::size).sum();
        AtomicLong done = new AtomicLong();
        ExecutorService threads = Executors.newFixedThreadPool(Runtime.getRuntime().availableProcessors());
        try {
            for (ModuleSource source : ptx) {
                images.add(threads.submit(() -> {
                    int bytes = bundle.addPtx(source.file(), source.options());
                    progress.done(done.incrementAndGet(), all);
                    return bytes;
                }));
            }
            machineCode.forEach((compute, sources) -> sources.forEach(source -> images.add(threads.submit(() -> {
                int bytes = bundle.addMachineCode(source.file(), compute, source.options());
                progress.done(done.incrementAndGet(), all);
                return bytes;
            }))));
            for (Future<Integer> image : images) {
                image.get();
            }
            return bundle.write();
        } catch (ExecutionException e) {
            throw e.getCause() instanceof FramecastException known ? known : new IllegalStateException(e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new FramecastException("Compiling kernels was interrupted.", e);
        } finally {
            threads.shutdownNow();
        }
    }

    /** Is told how far the compiler is. */
    @FunctionalInterface
    public interface Progress {
        /**
         * Called after each image.
         *
         * @param done the number of images that are done
         * @param all the number of all
         */
        void done(long done, long all);
    }
}
