package io.framecast.tools.option;

import io.framecast.backend.Backend;
import io.framecast.backend.Convolutions;
import io.framecast.backend.DataParallel;
import io.framecast.backend.Precision;
import io.framecast.backend.ProcessGroup;
import io.framecast.device.Backends;
import io.framecast.device.Device;
import io.framecast.device.DeviceSettings;
import io.framecast.device.sampling.SampledGpu;
import io.framecast.tools.distributed.Processes;
import io.framecast.tools.terminal.FetchProgress;
import io.framecast.tools.terminal.Terminal;
import java.util.Locale;
import picocli.CommandLine.Option;

/** The options that select the device and its settings; their defaults are in {@link Defaults}. */
public final class DeviceOptions {

    @Option(names = "--device", paramLabel = "DEVICE",
            description = "auto, cuda, cpu or softgpu (CUDA in software); auto takes a CUDA device that works, "
                    + "else the CPU. "
                    + "Default: ${DEFAULT-VALUE}.")
    public Device device;

    @Option(names = "--precision", paramLabel = "PRECISION",
            description = "What convolutions multiply: fp32, bf16, or tf32 (CUDA only). Default: ${DEFAULT-VALUE}.")
    public Precision precision;

    @Option(names = "--conv", paramLabel = "HOW",
            description = "Convolutions on CUDA devices: this project's kernels, or vendor (cuDNN and cuBLAS). "
                    + "Default: ${DEFAULT-VALUE}.")
    public Convolutions convolutions;

    @Option(names = "--threads", paramLabel = "N",
            description = "Threads that the CPU, or the software device, computes with; 0 is one for each processor "
                    + "that this process may use. "
                    + "Default: ${DEFAULT-VALUE}.")
    public int threads;

    /** With several processes, the threads that each should have; else 0. */
    private int threadsOfProcess;

    /**
     * Opens the device, and prints which one it is.
     *
     * @throws io.framecast.FramecastException if it cannot be used on this machine
     */
    public Backend open() {
        return open(false);
    }

    /**
     * The same, for training.
     *
     * @param localBatchNorm whether batch normalisation is computed by each process for its own videos
     */
    public Backend open(boolean localBatchNorm) {
        requireThreads();
        ProcessGroup group = Processes.group();
        if (threads == 0 && group.size() > 1) {
            threadsOfProcess = Processes.threads();
        }
        Backends.Choice choice = Backends.choose(shared(), new DataParallel(group, localBatchNorm),
                new FetchProgress());
        if (group.size() > 1) {
            Terminal.say("processes: " + group.size()
                    + (group.localSize() < group.size() ? ", " + group.localSize() + " on this machine" : ""));
        }
        Terminal.say("device: " + describe(choice.backend())
                + choice.whyNotCuda().map(e -> "  (no CUDA: " + Remedies.sentence(e) + ")").orElse(""));
        return choice.backend();
    }

    /**
     * {@return what computes, as far as results depend on it}
     *
     * @param backend that these options have opened
     */
    public String describe(Backend backend) {
        return backend.description() + ", " + precision.name().toLowerCase(Locale.ROOT)
                + (convolutions == Convolutions.VENDOR ? ", convolutions of cuDNN and cuBLAS" : "");
    }

    /** Opens the device without the other processes. */
    public Backend openAlone() {
        return Backends.choose(shared(), DataParallel.NONE, new FetchProgress()).backend();
    }

    /**
     * Opens the software device in the place of a GPU.
     *
     * @param computeCapability of the GPU
     * @param memory of the GPU, in bytes
     * @throws io.framecast.FramecastException if it cannot be used on this machine, or does not support the precision
     */
    public SampledGpu openAs(int computeCapability, long memory) {
        requireThreads();
        return SampledGpu.open(computeCapability, memory, precision, threads, new FetchProgress());
    }

    /** Opens the CPU with the given number of threads instead of that of the options. */
    public Backend cpu(int threadCount) {
        return Backends.choose(settings().with(Device.CPU).withThreads(threadCount), DataParallel.NONE,
                new FetchProgress()).backend();
    }

    private void requireThreads() {
        Options.require(threads >= 0 && threads <= DeviceSettings.MAX_THREADS,
                "--threads must be from 0 to " + DeviceSettings.MAX_THREADS + ", not " + threads + ".");
    }

    /** The settings of a process that shares its machine with others. */
    private DeviceSettings shared() {
        return threads == 0 ? settings().withThreads(threadsOfProcess) : settings();
    }

    private DeviceSettings settings() {
        return new DeviceSettings(device, precision, convolutions, threads);
    }
}
