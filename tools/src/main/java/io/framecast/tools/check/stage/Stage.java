package io.framecast.tools.check.stage;

import io.framecast.backend.Backend;
import io.framecast.device.Device;
import java.nio.file.Path;

/** The stages, in their order. */
public enum Stage {
    DEVICE("What is there", 4) {
        @Override
        public void run(DeviceUnderTest device, StageLog log, Path directory) {
            FactStage.run(device, log);
        }
    },
    KERNELS("Kernels against golden values", 26) {
        @Override
        public void run(DeviceUnderTest device, StageLog log, Path directory) {
            KernelStage.run(device, log);
        }
    },
    NETWORKS("Networks, determinism, memory", 26) {
        @Override
        public void run(DeviceUnderTest device, StageLog log, Path directory) {
            NetworkStage.run(device, log);
        }
    },
    VENDOR("cuDNN and cuBLAS", 10) {
        @Override
        public void run(DeviceUnderTest device, StageLog log, Path directory) {
            VendorStage.run(device, log);
        }
    },
    SPEED("Speed beside the ceilings", 12) {
        @Override
        public void run(DeviceUnderTest device, StageLog log, Path directory) {
            SpeedStage.run(device, log, directory);
        }
    },
    PEER("PyTorch on the same device", 14) {
        @Override
        public void run(DeviceUnderTest device, StageLog log, Path directory) {
            PeerStage.run(device, log, directory);
        }
    },
    SANITIZER("compute-sanitizer", 8) {
        @Override
        public void run(DeviceUnderTest device, StageLog log, Path directory) {
            SanitizerStage.run(device, log);
        }
    };

    private final String title;
    private final int weight;

    Stage(String title, int weight) {
        this.title = title;
        this.weight = weight;
    }

    /** For people. */
    public String title() {
        return title;
    }

    /** Its part of the time, in relation to the other stages'. */
    public int weight(DeviceUnderTest device) {
        boolean applies = switch (this) {
            case VENDOR -> device.isCuda();
            case SPEED -> device.device() != Device.SOFTGPU;
            case PEER, SANITIZER -> device.device() == Device.CUDA;
            default -> true;
        };
        return applies ? weight : 1;
    }

    /**
     * Does it, in a process of its own.
     *
     * @param log is told what is found
     * @param directory for files of the stage
     */
    public abstract void run(DeviceUnderTest device, StageLog log, Path directory);

    /**
     * Launches what the stages of kernels, networks and speed launch in the backend's precision, whatever the results: for the
     * list of kernels that a bundle must have.
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
