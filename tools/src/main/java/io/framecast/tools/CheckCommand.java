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
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
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
            description = "How long it may take. With less time, fewer checks are made; each stage says how many were "
                    + "left out. Default: ${DEFAULT-VALUE}.")
    double minutes;

    @Option(names = "--out", paramLabel = "DIR", defaultValue = "check", converter = FileName.OfDirectory.class,
            description = "The directory for check.json and check.html. Default: ${DEFAULT-VALUE}.")
    Path out;

    @Override
    public Integer call() {
        Options.require(minutes > 0 && minutes <= 24 * 60, "--minutes must be above 0 and at most 1440, not "
                + minutes + ".");
        try {
            Files.createDirectories(out);
        } catch (IOException e) {
            throw AtomicFiles.cannotWrite(out, e);
        }
        DeviceUnderTest tested = new DeviceUnderTest(device == Device.AUTO ? probe() : device, PROGRAM);
        System.out.printf(Locale.ROOT, "checking the device %s, for about %.3g min at most%n",
                tested.device().name().toLowerCase(Locale.ROOT), minutes);
        long begin = System.nanoTime();
        List<StageResult> results = new Acceptance(tested, 60 * minutes, out).run(result ->
                Terminal.say(String.format(Locale.ROOT, "%-10s %-8s %5.0f s  %s", result.stage(), result.outcome(),
                        result.seconds(), result.summary())));
        CheckFiles files = new CheckFiles(out, Main.VERSION, tested.device(), (System.nanoTime() - begin) / 1e9);
        files.write(results);
        Terminal.say(files.verdict(results) + " See " + files.page());
        return results.stream().anyMatch(result -> result.outcome() == Outcome.FAILED) ? 1 : 0;
    }

    /** The device that auto takes; found by another process, since opening a device keeps a part of it. */
    private static Device probe() {
        ChildProcess.Ended ended = ChildProcess.run(PROGRAM.command("check-stage",
                CheckStageCommand.PROBE), PROBE_SECONDS);
        String answer = ended.output().strip().replaceFirst("(?s).*\\n", "");
        if (ended.failure() != null || !answer.equals("cuda") && !answer.equals("cpu")) {
            throw new FramecastException("Opening a device " + ended.failure() + "; name one by --device.");
        }
        return Device.valueOf(answer.toUpperCase(Locale.ROOT));
    }
}
