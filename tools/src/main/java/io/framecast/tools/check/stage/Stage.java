package io.framecast.tools.check.stage;

import io.framecast.backend.Backend;
import io.framecast.device.Device;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;

/** The stages, in their order. */
public enum Stage {
    DEVICE("What is there", 4, (device, log, directory) -> FactStage.run(device, log)),
    KERNELS("Kernels against golden values", 26, (device, log, directory) -> KernelStage.run(device, log)),
    NETWORKS("Networks, determinism, memory", 26, (device, log, directory) -> NetworkStage.run(device, log)),
    VENDOR("cuDNN and cuBLAS", 10, (device, log, directory) -> VendorStage.run(device, log)),
    SPEED("Speed beside the ceilings", 12, SpeedStage::run),
    PEER("PyTorch on the same device", 14, PeerStage::run),
    SANITIZER("compute-sanitizer", 8, (device, log, directory) -> SanitizerStage.run(device, log));

    @FunctionalInterface
    private interface Work {
        void run(DeviceUnderTest device, StageLog log, Path directory);
    }

    private final String title;
    private final int weight;
    private final Work work;

    Stage(String title, int weight, Work work) {
        this.title = title;
        this.weight = weight;
        this.work = work;
    }

    /** Its name in results and in options: "kernels". */
    public String label() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** For people. */
    public String title() {
        return title;
    }

    /** Its part of the time, in relation to the other stages'. */
    public int weight() {
        return weight;
    }

    /** Why it is not for a device; empty if it is. */
    public Optional<String> whyNot(Device device) {
        return switch (this) {
            case VENDOR -> only(device != Device.CPU, "cuDNN and cuBLAS are for CUDA devices");
            case SPEED -> only(device != Device.SOFTGPU, "the times of the software device say nothing about a GPU "
                    + "(framecast bench --device softgpu --as h100 models them)");
            case PEER -> only(device == Device.CUDA, "the comparison with PyTorch is for NVIDIA's GPUs (on the CPU: "
                    + "framecast bench --peer pytorch)");
            case SANITIZER -> only(device == Device.CUDA, "compute-sanitizer is for NVIDIA's GPUs; the software device "
                    + "has checks of its own");
            default -> Optional.empty();
        };
    }

    private static Optional<String> only(boolean applies, String otherwise) {
        return applies ? Optional.empty() : Optional.of(otherwise);
    }

    /**
     * Does it, in a process of its own.
     *
     * @param log is told what is found
     * @param directory for files of the stage
     */
    public void run(DeviceUnderTest device, StageLog log, Path directory) {
        work.run(device, log, directory);
    }

    /**
     * Launches what the stages of kernels, networks and speed launch in the backend's precision, whatever the results:
     * for the list of kernels that a bundle must have.
     *
     * @param device that the check is for
     */
    public static void launch(DeviceUnderTest device, Backend backend) {
        KernelStage.launch(device, backend);
        NetworkStage.launch(device, backend);
        SpeedStage.launch(device, backend);
    }

    /** The same of the stage of the vendors' convolutions, on a backend with these. */
    public static void launchVendor(Backend backend) {
        VendorStage.launch(backend);
    }

    /** Takes all memory of the device until that is said, and trains afterwards. */
    public static void takeAllMemory(DeviceUnderTest device) {
        NetworkStage.takeAllMemory(device);
    }
}
