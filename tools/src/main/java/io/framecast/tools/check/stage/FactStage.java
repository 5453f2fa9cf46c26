package io.framecast.tools.check.stage;

import io.framecast.backend.Backend;
import io.framecast.backend.Convolutions;
import io.framecast.backend.Precision;
import io.framecast.device.Device;
import io.framecast.text.Count;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/** What is there: the machine, its devices and libraries, and what nvidia-smi says. And whether the device opens. */
final class FactStage {

    /** What nvidia-smi is asked for of each GPU, as its --query-gpu names it, and what it means. */
    private static final List<List<String>> GPU_FACTS = List.of(
            List.of("name", "name"), List.of("driver_version", "driver"), List.of("compute_cap", "compute capability"),
            List.of("pci.bus_id", "bus address"), List.of("memory.total", "memory"),
            List.of("memory.used", "memory in use"), List.of("utilization.gpu", "busy"),
            List.of("clocks.sm", "clock now"), List.of("clocks.max.sm", "clock at most"),
            List.of("clocks.mem", "memory clock"), List.of("power.draw", "power now"),
            List.of("power.limit", "power limit"), List.of("temperature.gpu", "temperature, C"),
            List.of("clocks_throttle_reasons.active", "reasons to slow down, as bits"),
            List.of("ecc.mode.current", "ECC"), List.of("ecc.errors.uncorrected.volatile.total", "ECC errors"),
            List.of("mig.mode.current", "MIG"), List.of("persistence_mode", "persistence mode"),
            List.of("compute_mode", "compute mode"), List.of("display_active", "shows a display"));

    private static final int SECONDS = 10;
    private static final int DEVICES_SECONDS = 60;

    private FactStage() {
    }

    static void run(DeviceUnderTest device, StageLog log) {
        log.table("Machine", "", List.of("fact", "value"), machine());
        // In a process of its own: it opens every device, and a process has one driver.
        log.table("Devices and libraries", "The output of framecast devices.", List.of("part", "state"),
                ChildProcess.run(device.program().command("devices"), DEVICES_SECONDS).output().lines()
                        .map(line -> List.of(line.split(" +", 2))).toList());
        if (device.device() == Device.CUDA) {
            nvidiaSmi(log);
        }
        for (Precision precision : device.precisions()) {
            log.check("the device opens in " + DeviceUnderTest.name(precision), () ->
                    device.on(precision, Convolutions.KERNELS, scope -> List.of()));
        }
        log.check("64 MiB of memory are allocated", () -> {
            try (Backend backend = device.open(Precision.FP32, Convolutions.KERNELS)) {
                backend.tensor(1 << 24).close();
            }
        });
    }

    private static List<List<String>> machine() {
        List<List<String>> rows = new ArrayList<>();
        rows.add(List.of("processor", Optional.ofNullable(line("/proc/cpuinfo", "model name")).orElse("unknown") + ", "
                + Count.of(Runtime.getRuntime().availableProcessors(), "processor") + " to use"));
        rows.add(List.of("memory", Optional.ofNullable(line("/proc/meminfo", "MemTotal")).orElse("unknown")));
        rows.add(List.of("system", Optional.ofNullable(line("/etc/os-release", "PRETTY_NAME")).orElse("unknown")
                + ", Linux " + System.getProperty("os.version")));
        rows.add(List.of("Java", System.getProperty("java.vm.version") + ", heap of at most "
                + Count.bytes(Runtime.getRuntime().maxMemory())));
        for (String variable : List.of("CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES", "CUDA_HOME", "LD_LIBRARY_PATH",
                "CUDA_MPS_PIPE_DIRECTORY", "CUDA_DEVICE_ORDER", "CUDA_LAUNCH_BLOCKING", "NVIDIA_TF32_OVERRIDE")) {
            if (System.getenv(variable) != null) {
                rows.add(List.of(variable, System.getenv(variable)));
            }
        }
        System.getenv().entrySet().stream().filter(one -> one.getKey().startsWith("FRAMECAST_")).sorted(
                Map.Entry.comparingByKey()).forEach(one -> rows.add(List.of(one.getKey(), one.getValue())));
        return rows;
    }

    /** The value of the first line that begins with {@code key}, in a file of lines "key : value" or "key=value". */
    private static String line(String file, String key) {
        try (Stream<String> lines = Files.lines(Path.of(file))) {
            return lines.filter(line -> line.startsWith(key)).findFirst()
                    .map(line -> line.replaceFirst("^[^:=]*[:=]", "").replace("\"", "").strip()).orElse(null);
        } catch (IOException | UncheckedIOException e) {
            return null;
        }
    }

    private static void nvidiaSmi(StageLog log) {
        Optional<Path> program = ChildProcess.find("nvidia-smi", List.of(Path.of("/usr/lib/wsl/lib")));
        if (program.isEmpty()) {
            log.check("nvidia-smi", () -> StageLog.skip("there is no nvidia-smi on the PATH"));
            return;
        }
        log.check("nvidia-smi", () -> {
            List<List<String>> rows = new ArrayList<>();
            for (List<String> fact : GPU_FACTS) {
                // One by one: a name that this version does not know would cost all the others.
                ChildProcess.Ended answer = ChildProcess.run(List.of(program.get().toString(),
                        "--query-gpu=" + fact.get(0), "--format=csv,noheader"), SECONDS);
                if (answer.status() == 0) {
                    rows.add(List.of(fact.get(1), String.join("; ", answer.output().strip().split("\n"))));
                }
            }
            log.table("What nvidia-smi says", "GPUs are separated by semicolons.", List.of("fact", "value"), rows);
            ChildProcess.Ended others = ChildProcess.run(List.of(program.get().toString(),
                    "--query-compute-apps=pid,process_name,used_memory", "--format=csv,noheader"), SECONDS);
            log.table("Other programs on the GPU", others.output().isBlank() ? "None." : "They take time and memory.",
                    List.of("process", "program", "memory"), Arrays.stream(others.output().strip().split("\n"))
                            .filter(line -> !line.isBlank()).map(line -> List.of(line.split(", *", 3))).toList());
        });
    }
}
