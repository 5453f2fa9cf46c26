package io.framecast.tools.render;

import io.framecast.predict.ForecastScores.Metric;
import io.framecast.predict.ForecastScores.Result;
import io.framecast.text.Count;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.IntStream;

/** Scores as text, with as many digits as are useful for their magnitude. */
public final class Scores {

    /** Stands for the PSNR of forecasts without error. */
    public static final String EXACT = "exact";

    /** From this value on, numbers are shown in scientific notation. */
    private static final double LARGE = 1e6;

    private Scores() {
    }

    /**
     * A number with {@code decimals} decimals, or in scientific notation (1.23e+45) if that would be long; "not finite"
     * for NaN and infinities.
     */
    public static String number(double value, int decimals) {
        if (!Double.isFinite(value)) {
            return "not finite";
        }
        return Math.abs(value) < LARGE ? String.format(Locale.ROOT, "%." + decimals + "f", value)
                : String.format(Locale.ROOT, "%.2e", value);
    }

    /** Whether no forecast has an error in this frame. */
    public static boolean isExact(Result result, int frame) {
        return result.exact()[frame] == result.videos();
    }

    /** Whether no forecast has an error in any frame. */
    public static boolean isExact(Result result) {
        return IntStream.range(0, result.exact().length).allMatch(frame -> isExact(result, frame));
    }

    /** A sentence on how frames without error count; empty if there are none. */
    public static Optional<String> exactNote(Result model, Result baseline) {
        int ofModel = IntStream.of(model.exact()).sum();
        int ofBaseline = IntStream.of(baseline.exact()).sum();
        int frames = model.videos() * model.exact().length;
        return ofModel + ofBaseline == 0 ? Optional.empty() : Optional.of("Of " + Count.of(frames, "frame") + ", "
                + ofModel + " of the model and " + ofBaseline + " of the repeated frame have no error; such a frame "
                + "counts as a PSNR of 100 dB.");
    }

    /** The comparison of an error with the baseline's, to follow the word "is": "12.3% lower than that of ...". */
    public static String beside(Metric error, Metric baseline, String baselineName) {
        double reduction = error.reductionFrom(baseline);
        if (baseline.mean() == 0) {
            return error.mean() == 0 ? "0, and so is that of " + baselineName + ": nothing moves"
                    : number(error.mean(), 2) + ", and that of " + baselineName + " is 0: nothing moves";
        }
        if (reduction < -9) {
            return number(1 - reduction, 1) + " times that of " + baselineName;
        }
        return String.format(Locale.ROOT, "%.1f%% %s than that of %s", 100 * Math.abs(reduction),
                reduction >= 0 ? "lower" : "higher", baselineName);
    }

    /** The change from the baseline's, in short: "-12.3%", "x 57.3", or "baseline 0" if the baseline is 0. */
    static String change(Metric error, Metric baseline) {
        double reduction = error.reductionFrom(baseline);
        if (baseline.mean() == 0) {
            return error.mean() == 0 ? "both 0" : "baseline 0";
        }
        return reduction < -9 ? "\u00d7 " + number(1 - reduction, 1) : signed(-100 * reduction, 1) + "%";
    }

    /** A number with its sign: U+2212 for minus, which is as wide as the plus. */
    static String signed(double value, int decimals) {
        String number = number(value, decimals);
        return number.startsWith("-") ? "\u2212" + number.substring(1) : "+" + number;
    }
}
