package io.framecast.data;

import io.framecast.FramecastException;
import java.math.BigDecimal;
import java.math.MathContext;
import java.math.RoundingMode;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Which of a file's values are black and white: these become 0 and 1, and what lies between is in proportion. */
public record Scale(double black, double white) {

    /** Values that are brightness already. */
    public static final Scale UNIT = new Scale(0, 1);

    private static final Scale[] USUAL = {UNIT, new Scale(0, 255), new Scale(-1, 1), new Scale(-128, 127),
        new Scale(0, 1023), new Scale(0, 4095), new Scale(0, 65535)};

    /**
     * Resizing with a cubic or a Lanczos kernel overshoots by a few percent: so far beyond black and white a value is
     * taken for these, and further out for a mistake.
     */
    private static final double OVERSHOOT = 0.05;

    /** Less of the way from black to white than 16 of 256 steps looks black on a screen. */
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

    /** The usual scale that values of this range are likely to be of, or else the range itself. */
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
     * Turns {@code count} values, {@code values[from..]}, into brightness in [0, 1]; what is a little beyond the ends
     * of the scale becomes black or white.
     *
     * @return how many there are before the first that the scale does not take, from where on nothing is changed
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

    /** Whether the value lies on the scale. */
    boolean holds(double value) {
        return value >= black && value <= white;
    }

    /** Whether the value lies on the scale or but a little beyond its ends. */
    boolean takes(double value) {
        double margin = OVERSHOOT * (white - black);
        return value >= black - margin && value <= white + margin;
    }

    /** Whether there is nothing to see in values of this range. */
    boolean isDark(double least, double most) {
        return (most - (black == 0 ? 0 : least)) / (white - black) < VISIBLE;
    }

    /** As {@link #of} reads it: {@code 0..255}. */
    @Override
    public String toString() {
        return text(black) + ".." + text(white);
    }

    /**
     * A number as people write it: 255 and not 255.0, and of a float no more digits than tell it from others.
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
