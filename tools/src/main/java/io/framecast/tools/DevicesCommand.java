package io.framecast.tools;

import io.framecast.FramecastException;
import io.framecast.backend.Backend;
import io.framecast.backend.Precision;
import io.framecast.backend.cpu.CpuBackend;
import java.util.Locale;
import picocli.CommandLine.Command;

@Command(name = "devices", description = "Shows what can be used here, and why the rest cannot.")
final class DevicesCommand implements Runnable {

    @Override
    public void run() {
        try (Backend cpu = new CpuBackend(Precision.FP32, 0)) {
            System.out.println("cpu      yes  " + cpu.description() + "; fp32, bf16 ("
                    + (CpuBackend.nativeBf16() ? "by the processor's own bfloat16 units"
                            : "rounded to bfloat16, multiplied in fp32: no faster than fp32") + ")");
        } catch (FramecastException e) {
            System.out.println("cpu      no   " + e.getMessage());
        }
        for (DeviceOptions.Device device : Devices.missing()) {
            System.out.printf("%-8s no   %s%n", device.name().toLowerCase(Locale.ROOT), Devices.whyNot(device));
        }
    }
}
