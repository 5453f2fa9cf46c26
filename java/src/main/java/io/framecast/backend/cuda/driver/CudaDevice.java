package io.framecast.backend.cuda.driver;

import static io.framecast.backend.cuda.driver.CudaCalls.check;
import static io.framecast.backend.cuda.driver.CudaCalls.checkAllocation;
import static jcuda.driver.CUstream_flags.CU_STREAM_NON_BLOCKING;
import static jcuda.driver.JCudaDriver.cuCtxSetCurrent;
import static jcuda.driver.JCudaDriver.cuDeviceGet;
import static jcuda.driver.JCudaDriver.cuDeviceGetUuid;
import static jcuda.driver.JCudaDriver.cuDevicePrimaryCtxRelease;
import static jcuda.driver.JCudaDriver.cuDevicePrimaryCtxRetain;
import static jcuda.driver.JCudaDriver.cuMemAlloc;
import static jcuda.driver.JCudaDriver.cuMemGetInfo;
import static jcuda.driver.JCudaDriver.cuStreamCreate;
import static jcuda.driver.JCudaDriver.cuStreamDestroy;
import static jcuda.driver.JCudaDriver.cuStreamSynchronize;

import io.framecast.FramecastException;
import io.framecast.backend.ProcessGroup;
import io.framecast.backend.cuda.library.SystemLibrary;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import jcuda.driver.CUcontext;
import jcuda.driver.CUdevice;
import jcuda.driver.CUdeviceptr;
import jcuda.driver.CUstream;
import jcuda.driver.CUuuid;

/**
 * A CUDA device: its context, one stream on which all work runs in order, and the resources that were made on it. Any
 * thread may use it, but one at a time. Every method of it and of its resources throws {@link CudaException} where CUDA
 * fails, and {@link IllegalStateException} after {@link #close}.
 */
public final class CudaDevice implements AutoCloseable {

    private final CudaDriver.Device properties;
    private final boolean software;
    private final CUdevice device;
    private final CUcontext context;
    private final CUstream stream;

    /** The devices before it that could not be opened, each with the reason. */
    private final List<String> passedOver;

    /** The open ones. */
    private final Set<DeviceResource> resources = new LinkedHashSet<>();

    /** What to check when work is done, before its results are used. */
    private final List<Runnable> afterWaiting = new ArrayList<>();

    private HostCopies copies;

    /** Null: kernels are not timed. */
    private KernelTimes times;

    private boolean closed;

    private CudaDevice(CudaDriver.Device properties, boolean software, CUdevice device, CUcontext context,
            CUstream stream, List<String> passedOver) {
        this.properties = properties;
        this.software = software;
        this.device = device;
        this.context = context;
        this.stream = stream;
        this.passedOver = passedOver;
    }

    /**
     * Opens a device for a process of a group. Of several processes on a machine each takes the device of its number;
     * if it sees one device it takes this, because the launcher may have given each its own.
     *
     * @param software the software device in place of NVIDIA's driver
     * @throws FramecastException if there is none, there are fewer than processes on this machine, or it fails
     */
    public static CudaDevice open(boolean software, ProcessGroup group) {
        CudaDriver driver = software ? CudaDriver.openSoftware() : CudaDriver.open();
        int count = driver.devices().size();
        if (group.localSize() == 1 || count == 1) {
            return open(software);
        }
        if (count < group.localSize()) {
            throw new FramecastException("This machine has " + count + " GPUs for " + group.localSize()
                    + " processes; start as many processes on it as it has GPUs.");
        }
        return open(driver.devices().get(group.localRank()), group.localRank(), software, List.of());
    }

    /**
     * Opens the driver's first device that can be opened: others may be in use, or closed to programs.
     *
     * @param software the software device in place of NVIDIA's driver
     * @throws FramecastException if there is none, or all fail; then that of the first one
     */
    public static CudaDevice open(boolean software) {
        CudaDriver driver = software ? CudaDriver.openSoftware() : CudaDriver.open();
        List<String> passedOver = new ArrayList<>();
        CudaException first = null;
        for (int k = 0; k < driver.devices().size(); k++) {
            CudaDriver.Device properties = driver.devices().get(k);
            try {
                return open(properties, k, software, List.copyOf(passedOver));
            } catch (CudaException e) {
                passedOver.add("GPU " + k + ", " + properties.name() + ": " + e.getMessage().replaceFirst("\\.$", ""));
                if (first == null) {
                    first = e;
                } else {
                    first.addSuppressed(e);
                }
            }
        }
        throw first;
    }

    /**
     * Opens the software device under the properties of another, by which ops choose their kernels. These need not be
     * such that the software device could run them.
     *
     * @throws FramecastException if it fails
     */
    public static CudaDevice openAs(CudaDriver.Device properties) {
        CudaDriver.openSoftware();
        return open(properties, 0, true, List.of());
    }

    private static CudaDevice open(CudaDriver.Device properties, int number, boolean software,
            List<String> passedOver) {
        CUdevice device = new CUdevice();
        check(cuDeviceGet(device, number), "cuDeviceGet");
        CUcontext context = new CUcontext();
        check(cuDevicePrimaryCtxRetain(context, device), "cuDevicePrimaryCtxRetain");
        try {
            check(cuCtxSetCurrent(context), "cuCtxSetCurrent");
            CUstream stream = new CUstream();
            check(cuStreamCreate(stream, CU_STREAM_NON_BLOCKING), "cuStreamCreate");
            return new CudaDevice(properties, software, device, context, stream, passedOver);
        } catch (CudaException e) {
            cuDevicePrimaryCtxRelease(device);
            throw e;
        }
    }

    /** Whether this is the software device. */
    public boolean isSoftware() {
        return software;
    }

    /** What no other GPU has; on the software device, what no other process has, because each has its own. */
    public String identity() {
        if (software) {
            return "process " + ProcessHandle.current().pid();
        }
        enter();
        CUuuid uuid = new CUuuid();
        check(cuDeviceGetUuid(uuid, device), "cuDeviceGetUuid");
        return HexFormat.of().formatHex(uuid.bytes);
    }

    /** Ten times the major version, plus the minor. */
    public int computeCapability() {
        return properties.computeCapability();
    }

    /** The number of streaming multiprocessors. */
    public int multiprocessors() {
        return properties.multiprocessors();
    }

    /** The most shared memory that a kernel can ask for. */
    public int sharedBytesOfBlock() {
        return properties.sharedBytesOfBlock();
    }

    /** The shared memory of all blocks that are resident on a multiprocessor. */
    public int sharedBytesOfMultiprocessor() {
        return properties.sharedBytesOfMultiprocessor();
    }

    /** Name, compute capability, multiprocessors and memory, and which devices were passed over: a line of text. */
    public String description() {
        return properties + SystemLibrary.note(passedOver);
    }

    /**
     * Allocates memory of undefined content.
     *
     * @throws CudaException if there is not enough; the message says how much is free
     */
    public DeviceMemory allocate(long bytes) {
        if (bytes <= 0) {
            throw new IllegalArgumentException("cannot allocate " + bytes + " bytes");
        }
        enter();
        CUdeviceptr pointer = new CUdeviceptr();
        checkAllocation(cuMemAlloc(pointer, bytes), "cuMemAlloc", bytes, this);
        return own(new DeviceMemory(this, pointer, bytes));
    }

    /** @throws CudaException if the driver does not say */
    public MemoryState memoryState() {
        enter();
        long[] free = new long[1];
        long[] total = new long[1];
        check(cuMemGetInfo(free, total), "cuMemGetInfo");
        long own = resources.stream()
                .mapToLong(resource -> resource instanceof DeviceMemory memory ? memory.bytes() : 0).sum();
        return new MemoryState(free[0], total[0], own);
    }

    /**
     * Loads compiled kernels.
     *
     * @param name what to call them in messages
     * @param image machine code for this device, or PTX; the software device takes PTX alone
     * @throws CudaException if the driver does not load it
     */
    public CudaModule load(String name, byte[] image) {
        enter();
        return own(CudaModule.load(this, name, image));
    }

    /**
     * Records what {@code work} launches and copies on this device as a graph. None of it runs now.
     *
     * @throws CudaException if it does something that cannot be recorded, such as waiting or allocating
     */
    public CudaGraph capture(Runnable work) {
        enter();
        // Events in a graph have no times.
        KernelTimes before = times;
        times = null;
        try {
            return own(CudaGraph.capture(this, work));
        } finally {
            times = before;
        }
    }

    /** From now on, or no longer, each launch of a kernel is timed; graphs are not. */
    public void setProfiling(boolean on) {
        enter();
        if (on && times == null) {
            times = own(new KernelTimes(this));
        } else if (!on && times != null) {
            times.close();
            times = null;
        }
    }

    /**
     * Waits until all work is done.
     *
     * @return the seconds of each kernel that was launched since the last call, or since the profile was started, by
     *         its name, in the order of first use; empty without a profile
     */
    public Map<String, Double> takeProfile() {
        enter();
        return times == null ? Map.of() : times.take();
    }

    /**
     * Launches work, and waits until it is done.
     *
     * @param name the work's
     * @return the seconds of the work, by this name, and of each kernel in it, by its own
     */
    public Map<String, Double> timed(String name, Runnable work) {
        enter();
        KernelTimes before = times;
        try (KernelTimes here = own(new KernelTimes(this))) {
            times = here;
            here.around(name, work);
            return here.take();
        } finally {
            times = before;
        }
    }

    /** Runs {@code launching}, which launches a kernel of this name. */
    void launch(String name, Runnable launching) {
        if (times == null) {
            launching.run();
        } else {
            times.around(name, launching);
        }
    }

    /** Made at the first use. */
    HostCopies copies() {
        enter();
        if (copies == null) {
            copies = own(HostCopies.open(this));
        }
        return copies;
    }

    /** Waits until all work is done. Errors of kernels are thrown here, or by an earlier call that waits. */
    public void synchronize() {
        enter();
        check(cuStreamSynchronize(stream), "cuStreamSynchronize");
        checkWaited();
    }

    /** From now on this runs after each wait for results of this device; it throws if they are not valid. */
    public void checkAfterWaiting(Runnable check) {
        afterWaiting.add(check);
    }

    void checkWaited() {
        afterWaiting.forEach(Runnable::run);
    }

    /** Releases all that this device owns. A second call does nothing. */
    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        Closing closing = new Closing();
        closing.add(() -> check(cuDevicePrimaryCtxRelease(device), "cuDevicePrimaryCtxRelease"));
        closing.add(() -> check(cuCtxSetCurrent(new CUcontext()), "cuCtxSetCurrent"));
        closing.add(() -> check(cuStreamDestroy(stream), "cuStreamDestroy"));
        List.copyOf(resources).forEach(resource -> closing.add(resource::close));
        closing.add(() -> check(cuStreamSynchronize(stream), "cuStreamSynchronize"));
        closing.add(this::activate);
        closing.run();
    }

    /** Makes this device the one of this thread's driver calls. */
    public void enter() {
        if (closed) {
            throw new IllegalStateException("the CUDA device is closed");
        }
        activate();
    }

    /** The same, also while the device is being closed. */
    void activate() {
        check(cuCtxSetCurrent(context), "cuCtxSetCurrent");
    }

    public CUstream stream() {
        return stream;
    }

    /** Makes a resource one that is closed with this device, unless it is closed before. */
    public <T extends DeviceResource> T own(T resource) {
        resources.add(resource);
        return resource;
    }

    void disown(DeviceResource resource) {
        resources.remove(resource);
    }
}
