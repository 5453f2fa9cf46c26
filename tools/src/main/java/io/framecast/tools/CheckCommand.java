package io.framecast.tools;

import io.framecast.FramecastException;
import io.framecast.device.Device;
import io.framecast.files.AtomicFiles;
import io.framecast.tools.check.Acceptance;
import io.framecast.tools.check.CheckFiles;
import io.framecast.tools.check.stage.ChildProcess;
import io.framecast.tools.check.stage.DeviceUnderTest;
import io.framecast.tools.check.stage.Outcome;
import io.framecast.tools.check.stage.StageResult;
import io.framecast.tools.check.stage.ThisProgram;
import io.framecast.tools.option.FileName;
import io.framecast.tools.option.Options;
import io.framecast.tools.terminal.Terminal;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(name = "check", description = "Checks the device at hand: what is there, each kernel and whole networks "
        + "against golden values, determinism, memory, speed. Writes check.json and check.html.")
final class CheckCommand implements Callable<Integer> {

    static final ThisProgram PROGRAM = new ThisProgram(Main.class);

    private static final int PROBE_SECONDS = 120;

    @Option(names = "--device", paramLabel = "DEVICE", defaultValue = "auto",
            description = "cuda, softgpu, cpu, or auto: CUDA if it works, else the CPU. Default: ${DEFAULT-VALUE}.")
    Device device;

    @Option(names = "--minutes", paramLabel = "M", defaultValue = "8",
            description = "About how long it takes at most; each stage takes some seconds in any case. With less time, "
                    + "fewer checks are made, and each stage says how many were left out. Default: ${DEFAULT-VALUE}.")
    double minutes;

    @Option(names = "--out", paramLabel = "DIR", defaultValue = "check", converter = FileName.OfDirectory.class,
            description = "The directory for check.json and check.html. Default: ${DEFAULT-VALUE}.")
    Path out;

    @Override
    public Integer call() {
        Options.require(minutes > 0 && minutes <= 24 * 60, "--minutes must be above 0 and at most 1440, not "
                + minutes + ".");
        AtomicFiles.requireDirectory(out);
        Optional<String> whyNotCuda = device == Device.AUTO ? whyNotCuda() : Optional.empty();
        DeviceUnderTest tested = new DeviceUnderTest(device != Device.AUTO ? device
                : whyNotCuda.isPresent() ? Device.CPU : Device.CUDA, PROGRAM);
        String note = whyNotCuda.map("No CUDA: "::concat).orElse("");
        Terminal.say("checking the device " + tested.option() + (note.isEmpty() ? "" : " (" + note + ")"));
        long begin = System.nanoTime();
        CheckFiles files = new CheckFiles(out, Main.VERSION, tested, note);
        files.write(List.of(), 0); // Of an earlier check, nothing stays.
        List<StageResult> results = new Acceptance(tested, 60 * minutes, out).run(all -> {
            StageResult last = all.get(all.size() - 1);
            Terminal.say(String.format(Locale.ROOT, "%-10s %-8s %5.0f s  %s", last.stage(), last.outcome(),
                    last.seconds(), last.summary()));
            files.write(all, (System.nanoTime() - begin) / 1e9);
        });
        Terminal.say(files.verdict(results, (System.nanoTime() - begin) / 1e9) + " See " + files.page());
        return CheckFiles.outcome(results) == Outcome.FAILED ? 1 : 0;
    }

    /** Why CUDA does not work; empty if it does. By another process: a process has one driver. */
    private static Optional<String> whyNotCuda() {
        ChildProcess.Ended ended = ChildProcess.run(PROGRAM.command("check-stage", CheckStageCommand.PROBE),
                PROBE_SECONDS);
        if (ended.failure() != null) {
            throw new FramecastException("Opening a device " + ended.failure() + "; name one by --device.");
        }
        String answer = ended.output().strip().replaceFirst("(?s).*\\n", "");
        return answer.equals(CheckStageCommand.WORKS) ? Optional.empty() : Optional.of(answer);
    }
}
