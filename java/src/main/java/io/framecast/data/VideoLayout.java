package io.framecast.data;

import io.framecast.FramecastException;
import java.util.Locale;

/**
 * The axes of an array of videos, one letter for each axis: n (videos), t (frames), h, w and c (channels), in any
 * order. Without n the array is one video, without c it has one channel.
 *
 * @param axes such as "nthwc"
 */
public record VideoLayout(String axes) {

    /** Videos first. */
    public static final VideoLayout NTHW = new VideoLayout("nthw");

    /** Frames first, as in the official Moving MNIST file. */
    public static final VideoLayout TNHW = new VideoLayout("tnhw");

    /**
     * Checks the letters; capital letters are accepted, too.
     *
     * @param axes the letters, in the order of the axes
     * @throws FramecastException unless t, h and w occur once each, and n and c at most once
     */
    public VideoLayout {
        String given = axes;
        axes = axes.toLowerCase(Locale.ROOT);
        boolean known = axes.matches("[nthwc]{3,5}") && axes.chars().distinct().count() == axes.length();
        if (!known || axes.indexOf('t') < 0 || axes.indexOf('h') < 0 || axes.indexOf('w') < 0) {
            throw new FramecastException("\"" + given + "\" is no order of axes; give t (frames), h and w once each,"
                    + " and n (videos) and c (channels) at most once, such as nthw, tnhw, ntchw or thwc.");
        }
    }

    /** The position of an axis, or -1 if there is no such axis. */
    int place(char axis) {
        return axes.indexOf(axis);
    }

    int rank() {
        return axes.length();
    }

    /** For messages: "videos first", "frames first", or the axes. */
    String inWords() {
        return switch (axes) {
            case "nthw", "nthwc" -> "videos first";
            case "tnhw", "tnhwc" -> "frames first";
            default -> "axes " + axes;
        };
    }

    @Override
    public String toString() {
        return axes;
    }
}
