package io.framecast.tools;

import io.framecast.FramecastException;
import io.framecast.backend.Precision;
import io.framecast.device.Backends;
import io.framecast.device.Device;
import io.framecast.text.Quote;
import io.framecast.tools.check.stage.DeviceUnderTest;
import io.framecast.tools.check.stage.Digest;
import io.framecast.tools.check.stage.Stage;
import io.framecast.tools.check.stage.StageLog;
import io.framecast.tools.option.FileName;
import io.framecast.tools.option.Remedies;
import java.nio.file.Path;
import java.util.Locale;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** A stage of {@link CheckCommand}, or a part of one, in a process of its own. */
@Command(name = "check-stage", hidden = true)
final class CheckStageCommand implements Runnable {

    /** Prints {@link #WORKS} if CUDA does, else the reason why not. */
    static final String PROBE = "probe";
    static final String WORKS = "works";

    /** Prints the digest of a training's weights. */
    static final String DIGEST = "digest";

    /** Takes all memory of the device, and trains afterwards. */
    static final String MEMORY = "memory";

    @Parameters(paramLabel = "STAGE")
    String stage;

    @Option(names = "--device", defaultValue = "cpu")
    Device device;

    @Option(names = "--seconds", defaultValue = "60")
    double seconds;

    @Option(names = "--out", defaultValue = ".", converter = FileName.OfDirectory.class)
    Path out;

    @Override
    public void run() {
        DeviceUnderTest tested = new DeviceUnderTest(device, CheckCommand.PROGRAM);
        switch (stage) {
            case PROBE -> {
                try {
                    Backends.open(Device.CUDA, Precision.FP32).close();
                    System.out.println(WORKS);
                } catch (FramecastException e) {
                    System.out.println(Quote.line(Remedies.sentence(e)));
                }
            }
            case DIGEST -> System.out.println(Digest.of(tested, Precision.FP32));
            case MEMORY -> Stage.takeAllMemory(tested);
            default -> {
                try (StageLog log = new StageLog(out.resolve(stage + ".jsonl"), seconds, Main::sentence)) {
                    named(stage).run(tested, log, out);
                }
            }
        }
    }

    private static Stage named(String name) {
        try {
            return Stage.valueOf(name.toUpperCase(Locale.ROOT));
        } catch (IllegalArgumentException e) {
            throw new FramecastException("There is no stage \"" + name + "\" of a check.", e);
        }
    }
}
