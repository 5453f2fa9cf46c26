package io.framecast.backend.cuda;

import static io.framecast.backend.cuda.CudaCalls.check;
import static io.framecast.backend.cuda.CudaCalls.checkAllocation;
import static jcuda.driver.CUstream_flags.CU_STREAM_NON_BLOCKING;
import static jcuda.driver.JCudaDriver.cuCtxSetCurrent;
import static jcuda.driver.JCudaDriver.cuDeviceGet;
import static jcuda.driver.JCudaDriver.cuDevicePrimaryCtxRelease;
import static jcuda.driver.JCudaDriver.cuDevicePrimaryCtxRetain;
import static jcuda.driver.JCudaDriver.cuMemAlloc;
import static jcuda.driver.JCudaDriver.cuMemGetInfo;
import static jcuda.driver.JCudaDriver.cuStreamCreate;
import static jcuda.driver.JCudaDriver.cuStreamDestroy;
import static jcuda.driver.JCudaDriver.cuStreamSynchronize;

import io.framecast.FramecastException;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import jcuda.driver.CUcontext;
import jcuda.driver.CUdevice;
import jcuda.driver.CUdeviceptr;
import jcuda.driver.CUstream;

/**
 * A CUDA device: its context, one stream that all work goes through in order, and what was made on it. Any thread may
 * use it, but one at a time. Every method of it and of what it made throws {@link CudaException} where CUDA fails, and
 * {@link IllegalStateException} after {@link #close}.
 */
public final class CudaDevice implements AutoCloseable {

    /** What every CUDA source is compiled with. */
    static final List<String> OPTIONS = List.of("--std=c++17", "--generate-line-info");

    private final CudaDriver.Device properties;
    private final boolean software;
    private final CUdevice device;
    private final CUcontext context;
    private final CUstream stream;
    private final KernelCache cache;

    /** What was made here and is not closed. */
    private final Set<DeviceResource> resources = new LinkedHashSet<>();

    private HostCopies copies;
    private boolean closed;

    private CudaDevice(CudaDriver.Device properties, boolean software, CUdevice device, CUcontext context,
            CUstream stream, KernelCache cache) {
        this.properties = properties;
        this.software = software;
        this.device = device;
        this.context = context;
        this.stream = stream;
        this.cache = cache;
    }

    /**
     * Opens the driver's first device.
     *
     * @param software the software device in place of NVIDIA's driver
     * @throws FramecastException if there is none, or it fails
     */
    public static CudaDevice open(boolean software) {
        CudaDriver driver = software ? CudaDriver.openSoftware() : CudaDriver.open();
        CudaDriver.Device properties = driver.devices().get(0);
        CUdevice device = new CUdevice();
        check(cuDeviceGet(device, 0), "cuDeviceGet");
        CUcontext context = new CUcontext();
        check(cuDevicePrimaryCtxRetain(context, device), "cuDevicePrimaryCtxRetain");
        try {
            check(cuCtxSetCurrent(context), "cuCtxSetCurrent");
            CUstream stream = new CUstream();
            check(cuStreamCreate(stream, CU_STREAM_NON_BLOCKING), "cuStreamCreate");
            return new CudaDevice(properties, software, device, context, stream, KernelCache.of(System.getenv()));
        } catch (CudaException e) {
            cuDevicePrimaryCtxRelease(device);
            throw e;
        }
    }

    /** Ten times the major version, plus the minor. */
    public int computeCapability() {
        return properties.computeCapability();
    }

    /** How many the device has, each of which runs blocks of threads. */
    int multiprocessors() {
        return properties.multiprocessors();
    }

    /** Name, compute capability, multiprocessors and memory: a line of text. */
    public String description() {
        return properties.toString();
    }

    /**
     * Allocates memory, which holds anything.
     *
     * @throws CudaException if there is not as much; then with how much is free
     */
    public DeviceMemory allocate(long bytes) {
        if (bytes <= 0) {
            throw new IllegalArgumentException("cannot allocate " + bytes + " bytes");
        }
        enter();
        CUdeviceptr pointer = new CUdeviceptr();
        checkAllocation(cuMemAlloc(pointer, bytes), "cuMemAlloc", bytes);
        return own(new DeviceMemory(this, pointer, bytes));
    }

    /**
     * Free memory, and all there is, in bytes.
     *
     * @throws CudaException if the driver does not say
     */
    long[] memoryInfo() {
        enter();
        long[] free = new long[1];
        long[] total = new long[1];
        check(cuMemGetInfo(free, total), "cuMemGetInfo");
        return new long[] {free[0], total[0]};
    }

    /**
     * Loads the kernels of a CUDA source, compiled for this device. They are kept in the user's cache.
     *
     * @param file a resource of io/framecast/cuda, such as "convolution.cu"
     * @param options further ones of NVRTC, such as "-DTILE=8"
     * @throws FramecastException if it cannot be compiled or loaded
     */
    public CudaModule module(String file, List<String> options) {
        enter();
        List<String> all = new ArrayList<>(OPTIONS);
        all.addAll(options);
        String architecture = CudaCompiler.architecture(computeCapability(), software, Nvrtc.computeCapabilities());
        byte[] image = cache.image(CudaSource.of(file), architecture, all);
        return own(CudaModule.load(this, file, image));
    }

    /**
     * Records what {@code work} does on this device, instead of doing it.
     *
     * @throws CudaException if it does something that cannot be recorded
     */
    CudaGraph capture(Runnable work) {
        enter();
        return own(CudaGraph.capture(this, work));
    }

    /** Copies between Java's arrays and this device. */
    HostCopies copies() {
        enter();
        if (copies == null) {
            copies = own(HostCopies.open(this));
        }
        return copies;
    }

    /** Waits until all work is done. Errors of kernels show here, or in the call that waits before. */
    public void synchronize() {
        enter();
        check(cuStreamSynchronize(stream), "cuStreamSynchronize");
    }

    /** Gives back all that was made on this device and is not closed. A second call does nothing. */
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

    /** Makes the calls of this thread go to this device, which must be open. */
    void enter() {
        if (closed) {
            throw new IllegalStateException("the CUDA device is closed");
        }
        activate();
    }

    /** The same for what closing needs. */
    void activate() {
        check(cuCtxSetCurrent(context), "cuCtxSetCurrent");
    }

    CUstream stream() {
        return stream;
    }

    /** Closes it with this device, where that has not been done before. */
    <T extends DeviceResource> T own(T resource) {
        resources.add(resource);
        return resource;
    }

    void disown(DeviceResource resource) {
        resources.remove(resource);
    }
}
