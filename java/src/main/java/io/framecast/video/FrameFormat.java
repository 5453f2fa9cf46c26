package io.framecast.video;

import io.framecast.FramecastException;

/**
 * The frames that are wanted of a video. Frames of another shape are cropped to the wanted aspect ratio, around the
 * centre, and scaled by averaging areas.
 *
 * @param height in pixels
 * @param width in pixels
 * @param channels 1: grey; 3: red, green and blue
 * @param rate frames a second, to which the video is resampled first, by its timestamps; 0: all frames as they are
 * @param stride every how many-th frame is taken, counted after resampling; 1: all
 */
public record FrameFormat(int height, int width, int channels, double rate, int stride) {

    /** The longest side of a frame, in pixels. */
    public static final int LONGEST_SIDE = 16_384;

    /**
     * Checks the values.
     *
     * @param height 1 to {@value #LONGEST_SIDE}
     * @param width 1 to {@value #LONGEST_SIDE}
     * @param channels 1 or 3
     * @param rate 0 to 1000
     * @param stride at least 1
     * @throws FramecastException if a value is out of its range
     */
    public FrameFormat {
        if (height < 1 || width < 1 || height > LONGEST_SIDE || width > LONGEST_SIDE) {
            throw new FramecastException("Frames of " + height + "x" + width + " cannot be made; height and width are"
                    + " from 1 to " + LONGEST_SIDE + " pixels.");
        }
        if (channels != 1 && channels != 3) {
            throw new FramecastException("Videos have frames of 1 channel or of 3, not of " + channels + ".");
        }
        if (!(rate >= 0 && rate <= 1000)) {
            throw new FramecastException("The rate is " + rate + " frames a second; it is from above 0 to 1000.");
        }
        if (stride < 1) {
            throw new FramecastException("The stride is " + stride + "; it is at least 1.");
        }
    }

    /**
     * The number of bytes of a frame.
     *
     * @return height * width * channels
     */
    public int frameSize() {
        return Math.multiplyExact(height * width, channels);
    }
}
