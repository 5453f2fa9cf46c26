package io.framecast.tools.check.stage;

import io.framecast.backend.Backend;
import io.framecast.backend.Convolutions;
import io.framecast.backend.Precision;
import io.framecast.device.Availability;
import io.framecast.device.Device;
import io.framecast.tools.check.golden.Golden;
import io.framecast.tools.check.golden.GoldenConvLstm;
import io.framecast.tools.check.golden.GoldenTraining;
import io.framecast.tools.check.golden.OpScope;
import io.framecast.tools.check.golden.Tolerance;
import java.util.List;
import java.util.Optional;

/** The convolutions of cuDNN and cuBLAS against the golden values, by which they agree with this project's kernels. */
final class VendorStage {

    private VendorStage() {
    }

    static void run(DeviceUnderTest device, StageLog log) {
        if (device.device() == Device.CUDA) { // The software device brings its own.
            Optional<Availability> missing = Availability.all().stream()
                    .filter(part -> List.of("cudnn", "cublas").contains(part.name()) && !part.isUsable()).findFirst();
            if (missing.isPresent()) {
                log.skipped(missing.get().whyNot().orElseThrow().getMessage());
                return;
            }
        }
        List<Golden.Case> networks = GoldenTraining.cases();
        for (Golden.Case c : networks) {
            for (Precision precision : device.precisions()) {
                log.compare("twenty losses of network " + c + ", " + DeviceUnderTest.name(precision), () ->
                        device.on(precision, Convolutions.VENDOR,
                                scope -> GoldenTraining.compareVendorLosses(scope, c)));
            }
        }
        for (Golden.Case c : Golden.load("conv_lstm").cases()) {
            log.compare("ConvLSTM2D " + c + ", fp32", () -> device.on(Precision.FP32, Convolutions.VENDOR,
                    scope -> GoldenConvLstm.compare(scope, c, 0, Tolerance.FP32)));
        }
    }

    /** Launches what the stage launches in the backend's precision, whatever the results. */
    static void launch(Backend backend) {
        for (Golden.Case c : GoldenTraining.cases()) {
            try (OpScope scope = new OpScope(backend)) {
                GoldenTraining.compareFirstStep(scope, c);
            }
        }
        if (backend.precision() == Precision.FP32) {
            for (Golden.Case c : Golden.load("conv_lstm").cases()) {
                try (OpScope scope = new OpScope(backend)) {
                    GoldenConvLstm.compare(scope, c, 0, Tolerance.FP32);
                }
            }
        }
    }
}
