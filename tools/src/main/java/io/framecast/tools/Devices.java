package io.framecast.tools;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** What of the devices is here, and why the rest is not. */
final class Devices {

    private Devices() {
    }

    /** Why a device cannot be used, in one sentence. */
    static String whyNot(DeviceOptions.Device device) {
        return switch (device) {
            case CUDA -> Files.exists(Path.of("/dev/nvidiactl"))
                    ? "There is an NVIDIA device, but this version of Framecast has no CUDA backend yet."
                    : "This machine has no NVIDIA device, and this version of Framecast no CUDA backend yet.";
            case SOFTGPU -> "This version of Framecast has no software CUDA device yet.";
            default -> throw new IllegalArgumentException(device + " can be used");
        };
    }

    static List<DeviceOptions.Device> missing() {
        return List.of(DeviceOptions.Device.CUDA, DeviceOptions.Device.SOFTGPU);
    }
}
