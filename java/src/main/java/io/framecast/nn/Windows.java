package io.framecast.nn;

import io.framecast.FramecastException;
import io.framecast.backend.Padding;
import io.framecast.text.Settings;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Windows that slide over the pixels of a frame: those of convolutions and of pooling.
 *
 * @param what the windows' name in messages, such as "kernel"
 * @param size rows and columns of a window
 * @param strides from one window to the next
 * @param dilationRate from one pixel of a window to the next
 * @param padding Keras's "same" or "valid"
 */
record Windows(String what, Pair size, Pair strides, Pair dilationRate, String padding) {

    /** The shape of the frames that have a value for each window. */
    FrameShape outputs(FrameShape input, int channels) {
        return new FrameShape(
                count(input.height(), size.height(), strides.height(), dilationRate.height(), "high"),
                count(input.width(), size.width(), strides.width(), dilationRate.width(), "wide"), channels);
    }

    private int count(int length, int size, int stride, int dilation, String direction) {
        int count = Padding.outputs(padding.equals("same"), length, size, stride, dilation);
        if (count < 1) {
            throw new FramecastException("its " + what + ", " + ((size - 1L) * dilation + 1) + " pixels " + direction
                    + ", is larger than its input of " + length + "; use \"padding\": \"same\" or a smaller " + what);
        }
        return count;
    }

    /** Those of a pooling layer, in model JSON. */
    Map<String, Object> poolingSettings() {
        Map<String, Object> settings = new LinkedHashMap<>();
        settings.put("pool_size", size.ofOneFrame());
        settings.put("strides", strides.ofOneFrame());
        settings.put("padding", padding);
        return settings;
    }

    /** @throws IllegalArgumentException if it is neither "same" nor "valid" */
    static void requirePadding(String padding) {
        Settings.require(List.of("same", "valid").contains(String.valueOf(padding)), "padding", padding,
                "same or valid");
    }

    /** @throws FramecastException if a convolution with this padding returns fewer frames than it is given */
    static void requireAllFrames(String padding, int kernelFrames) {
        if (padding.equals("valid") && kernelFrames > 1) {
            throw new FramecastException("\"padding\" \"valid\" needs a kernel of one frame, not " + kernelFrames
                    + ": all frames of a video are kept.");
        }
    }

    /** @throws FramecastException if both differ from 1 */
    static void requireOneOf(Pair strides, Pair dilationRate) {
        if (!strides.equals(Pair.ONE) && !dilationRate.equals(Pair.ONE)) {
            throw new FramecastException("\"strides\" and \"dilation_rate\" cannot both differ from 1.");
        }
    }
}
