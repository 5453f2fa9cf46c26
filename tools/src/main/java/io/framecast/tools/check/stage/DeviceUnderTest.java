package io.framecast.tools.check.stage;

import io.framecast.FramecastException;
import io.framecast.backend.Backend;
import io.framecast.backend.Convolutions;
import io.framecast.backend.DataParallel;
import io.framecast.backend.FetchListener;
import io.framecast.backend.Precision;
import io.framecast.device.Backends;
import io.framecast.device.Device;
import io.framecast.device.DeviceSettings;
import io.framecast.tools.check.golden.Difference;
import io.framecast.tools.check.golden.OpScope;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;

/**
 * The device that is checked.
 *
 * @param device cuda, softgpu or cpu
 * @param program runs further processes on it
 */
public record DeviceUnderTest(Device device, ThisProgram program) {

    /** The precisions that a device may have. */
    public List<Precision> precisions() {
        return device == Device.CPU ? List.of(Precision.FP32, Precision.BF16)
                : List.of(Precision.FP32, Precision.TF32, Precision.BF16);
    }

    /** Opens it. */
    public Backend open(Precision precision, Convolutions convolutions) {
        return open(precision, convolutions, DataParallel.NONE);
    }

    private Backend open(Precision precision, Convolutions convolutions, DataParallel dataParallel) {
        return Backends.choose(new DeviceSettings(device, precision, convolutions, 0), dataParallel,
                FetchListener.NONE).backend();
    }

    /** Opens it, and closes it after {@code work}. */
    List<Difference> on(Precision precision, Convolutions convolutions, Function<OpScope, List<Difference>> work) {
        return on(precision, convolutions, DataParallel.NONE, work);
    }

    /** The same as one of several processes. */
    List<Difference> on(Precision precision, Convolutions convolutions, DataParallel dataParallel,
            Function<OpScope, List<Difference>> work) {
        try (Backend backend = openOrSkip(precision, convolutions, dataParallel);
                OpScope scope = new OpScope(backend)) {
            return work.apply(scope);
        }
    }

    /** Opens it, or ends the check as skipped if it has not the precision. */
    Backend openOrSkip(Precision precision, Convolutions convolutions) {
        return openOrSkip(precision, convolutions, DataParallel.NONE);
    }

    private Backend openOrSkip(Precision precision, Convolutions convolutions, DataParallel dataParallel) {
        try {
            return open(precision, convolutions, dataParallel);
        } catch (FramecastException e) {
            if (precision == Precision.FP32) {
                throw e; // Every device has that.
            }
            StageLog.skip(e.getMessage());
            throw e;
        }
    }

    /** Whether it is a GPU, NVIDIA's or the software one. */
    boolean isCuda() {
        return device != Device.CPU;
    }

    /** As in options: "cuda". */
    public String option() {
        return device.name().toLowerCase(Locale.ROOT);
    }

    /** As in options: "bf16". */
    static String name(Precision precision) {
        return precision.name().toLowerCase(Locale.ROOT);
    }
}
