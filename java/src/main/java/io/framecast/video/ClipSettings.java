package io.framecast.video;

import io.framecast.FramecastException;

/**
 * How videos are cut into clips of one shape.
 *
 * @param frames the frames of a clip
 * @param step the distance between the beginnings of clips, in frames after rate and stride; {@link #ONE_CLIP}: the
 *     first clip of each video; {@link #LAST_CLIP}: the last one
 * @param height of frames, in pixels; 0: that of the videos, if all have the same size
 * @param width of frames, in pixels; 0 if and only if the height is
 * @param channels 1: grey; 3: colour; 0: colour if a video has any
 * @param rate frames a second, to which videos are resampled first; 0: as they are
 * @param stride every how many-th frame is taken; 1: all
 */
public record ClipSettings(int frames, int step, int height, int width, int channels, double rate, int stride) {

    /** A {@link #step} by which only the first clip of each video is taken. */
    public static final int ONE_CLIP = Integer.MAX_VALUE;

    /** A {@link #step} by which only the last clip of each video is taken. */
    public static final int LAST_CLIP = 0;

    private static final int MOST_FRAMES = 1_000_000;

    /**
     * Checks the values.
     *
     * @param frames from 1 to a million
     * @param step at least 1, or {@link #LAST_CLIP}
     * @param height at least 1, or 0
     * @param width at least 1, or 0
     * @param channels 0, 1 or 3
     * @param rate 0 to 1000
     * @param stride at least 1
     * @throws FramecastException if a value is out of its range
     */
    public ClipSettings {
        if (frames < 1 || frames > MOST_FRAMES || step < 0) {
            throw new FramecastException("Clips of " + frames + " frames in steps of " + step + " cannot be made; both"
                    + " are at least 1, and a clip has at most " + MOST_FRAMES + " frames.");
        }
        if ((height == 0) != (width == 0)) {
            throw new FramecastException("A height of " + height + " and a width of " + width + " cannot be made.");
        }
        new FrameFormat(height == 0 ? 1 : height, width == 0 ? 1 : width, channels == 0 ? 1 : channels, rate, stride);
    }
}
