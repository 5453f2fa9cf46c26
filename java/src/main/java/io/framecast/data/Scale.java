package io.framecast.data;

import io.framecast.FramecastException;
import java.math.BigDecimal;
import java.math.MathContext;
import java.math.RoundingMode;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The values of a file that are black and white. They become 0 and 1; values between them are mapped linearly.
 *
 * @param black becomes 0
 * @param white becomes 1
 */
public record Scale(double black, double white) {

    /** For values that are in [0, 1] already. */
    public static final Scale UNIT = new Scale(0, 1);

    private static final Scale[] USUAL = {UNIT, new Scale(0, 255), new Scale(-1, 1), new Scale(-128, 127),
        new Scale(0, 1023), new Scale(0, 4095), new Scale(0, 65535)};

    /**
     * How far a value may be beyond black or white, as a fraction of the scale: it is then clamped, and refused if
     * further out. Resizing with a cubic or Lanczos kernel overshoots by a few percent.
     */
    private static final double OVERSHOOT = 0.05;

    /** A range below 16/256 of the scale looks black on a screen. */
    private static final double VISIBLE = 1 / 16.0;

    private static final String NUMBER = "[-+]?[0-9]*\\.?[0-9]+(?:[eE][-+]?[0-9]+)?";
    private static final Pattern TEXT = Pattern.compile("(?:(" + NUMBER + ")\\.\\.)?(" + NUMBER + ")");

    /**
     * Checks the ends.
     *
     * @param black the value that becomes 0
     * @param white the value that becomes 1
     * @throws FramecastException unless black is below white and both are finite
     */
    public Scale {
        if (!(black < white) || !Double.isFinite(white - black)) {
            throw new FramecastException("The scale " + text(black) + ".." + text(white)
                    + " does not go up from black to white.");
        }
    }

    /**
     * Reads {@code 0..255}, {@code -1..1}, or {@code 255} for {@code 0..255}.
     *
     * @param text such as {@code 0..255}
     * @return the scale
     * @throws FramecastException if it is none
     */
    public static Scale of(String text) {
        Matcher parts = TEXT.matcher(text);
        if (!parts.matches()) {
            throw new FramecastException("\"" + text + "\" is no scale; give the values that are black and white, such"
                    + " as 0..255 or -1..1.");
        }
        return new Scale(parts.group(1) == null ? 0 : Double.parseDouble(parts.group(1)),
                Double.parseDouble(parts.group(2)));
    }

    /** The most likely usual scale for values of this range; if none fits, the range itself. */
    static Scale fitting(double least, double most) {
        for (Scale usual : USUAL) {
            if (usual.takes(least) && usual.takes(most) && most - least > (usual.white - usual.black) / 4) {
                return usual;
            }
        }
        double black = rounded(least, RoundingMode.FLOOR);
        double white = rounded(most, RoundingMode.CEILING);
        return least >= 0 ? new Scale(0, white > 0 ? white : 1) : new Scale(black, Math.max(white, 0));
    }

    private static double rounded(double value, RoundingMode mode) {
        return new BigDecimal(value).round(new MathContext(2, mode)).doubleValue();
    }

    /**
     * Converts {@code count} values, {@code values[from..]}, to brightness in [0, 1]. Values up to 5% outside the scale
     * are clamped.
     *
     * @return the number of values converted: it stops at the first one further outside the scale
     */
    int toBrightness(float[] values, int from, int count) {
        double range = white - black;
        for (int i = from; i < from + count; i++) {
            float brightness = (float) ((values[i] - black) / range);
            if (!(brightness >= 0 && brightness <= 1)) {
                if (!takes(values[i])) {
                    return i - from;
                }
                brightness = brightness < 0 ? 0 : 1;
            }
            values[i] = brightness;
        }
        return count;
    }

    /** Whether the value is within the scale. */
    boolean holds(double value) {
        return value >= black && value <= white;
    }

    /** Whether the value is within the scale or at most 5% beyond its ends. */
    boolean takes(double value) {
        double margin = OVERSHOOT * (white - black);
        return value >= black - margin && value <= white + margin;
    }

    /** Whether values of this range all look black. */
    boolean isDark(double least, double most) {
        return (most - (black == 0 ? 0 : least)) / (white - black) < VISIBLE;
    }

    /** In the format that {@link #of} reads: {@code 0..255}. */
    @Override
    public String toString() {
        return text(black) + ".." + text(white);
    }

    /**
     * A number as text: 255 rather than 255.0, and for a float the fewest digits that identify it.
     *
     * @param value the number
     * @return decimal digits
     */
    public static String text(double value) {
        if (value == Math.rint(value) && Math.abs(value) < 1e15) {
            return Long.toString((long) value);
        }
        return value == (float) value ? Float.toString((float) value) : Double.toString(value);
    }
}
