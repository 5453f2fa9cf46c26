package io.framecast.tools.check.stage;

import io.framecast.FramecastException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** NVIDIA's compute-sanitizer over a short training. */
final class SanitizerStage {

    private static final String PROGRAM = "compute-sanitizer";
    private static final List<String> TOOLS = List.of("memcheck", "initcheck", "synccheck", "racecheck");

    /** Its exit status if it found something; the program's own failures are 1 and 2. */
    private static final int FOUND = 77;

    private static final int LEAST_SECONDS = 20;

    private SanitizerStage() {
    }

    static void run(DeviceUnderTest device, StageLog log) {
        Optional<Path> program = ChildProcess.find(PROGRAM, List.of(Path.of("/usr/local/cuda/bin"),
                Path.of("/usr/local/cuda/compute-sanitizer"), Path.of("/opt/cuda/extras/compute-sanitizer")));
        if (program.isEmpty()) {
            log.skipped(PROGRAM + " is not installed (it comes with CUDA's toolkit)");
            return;
        }
        double share = log.secondsLeft() / TOOLS.size();
        for (String tool : TOOLS) {
            log.check(tool, () -> {
                List<String> command = new ArrayList<>(List.of(program.get().toString(), "--tool", tool,
                        "--error-exitcode", Integer.toString(FOUND), "--print-limit", "5"));
                command.addAll(device.program().command("check-stage", "digest", "--device",
                        device.option()));
                ChildProcess.Ended ended = ChildProcess.run(command, Map.of("FRAMECAST_CUDA_GRAPHS", "off"),
                        Math.max(LEAST_SECONDS, share));
                if (ended.timedOut()) {
                    StageLog.skip("it took longer than " + (long) Math.max(LEAST_SECONDS, share) + " s");
                }
                if (ended.status() == FOUND) {
                    throw new FramecastException(tool + " found: " + errors(ended.output()) + ".");
                }
                if (ended.failure() != null) {
                    throw new FramecastException("A training under " + tool + " " + ended.failure() + ".");
                }
            });
        }
    }

    /** The lines with what was found, which begin with "=========". */
    private static String errors(String output) {
        return String.join(" | ", output.lines().filter(line -> line.startsWith("========= "))
                .map(line -> line.substring(10).strip()).filter(line -> !line.isEmpty()).limit(6).toList());
    }
}
