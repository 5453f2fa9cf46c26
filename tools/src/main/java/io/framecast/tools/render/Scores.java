package io.framecast.tools.render;

import io.framecast.predict.ForecastScores.Metric;
import java.util.Locale;

/** Scores as text, with as many digits as are useful for their magnitude. */
public final class Scores {

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
