package io.framecast.backend;

import java.util.List;

/**
 * Layer images that are corrected by each frame, and moved by filters to predict the next one. The inputs are frames
 * (height, width, channels), logits of gates (height, width, layers + 1), and for each patch of block x block pixels
 * the logits of filters (layers, 2 axes, 2*maxDisplacement + 1 offsets) and the flow (flowChannels). The state are the
 * layers, images of the frames' shape, zero at the start. With a frame x:
 *
 * <pre>{@code
 * g = softmax(gates), of which the first `layers` are used      C_k = L_k + g_k*(x - clamp(sum of L, 0, 1))
 * w = softmax over o in -maxDisplacement..maxDisplacement of (filters - flowPrecision*(o - flow)^2)
 * V_k[y][x] = sum over o of w[k][vertical][o] * C_k[y + o][x]
 * L_k[y][x] = sum over o of w[k][horizontal][o] * V_k[y][x + o]
 * output = clamp(sum of the new L, 0, 1)
 * }</pre>
 *
 * The weights are those of the patch of (y, x); outside the image all is zero. Of the flow, channel 0 belongs to the
 * vertical and channel 1 to the horizontal filters of all layers. If x is the output for the frame before, the layers
 * are not corrected at all: their sum and its clamp have the same bits.
 *
 * <p>Gradients are exact except for the clamp of the output: the gradient also passes where the sum is outside [0, 1]
 * and descent would move it back, so that saturated pixels can recover. That is above 1 where the gradient is
 * positive, and below 0 where it is negative.
 *
 * @param height rows of a frame
 * @param width columns of a frame
 * @param channels channels of a frame
 * @param block rows and columns of a patch, a divisor of height and width
 * @param flowChannels channels of the flow, at least 2; further ones are not read
 * @param layers the number of layers
 * @param maxDisplacement the largest offset of the filters, in pixels
 * @param flowPrecision how much the filters follow the flow, at least 0
 */
public record LayeredAdvectionSpec(int height, int width, int channels, int block, int flowChannels, int layers,
        int maxDisplacement, float flowPrecision) {

    /**
     * The number of offsets of a filter.
     *
     * @return 2*maxDisplacement + 1
     */
    public int offsets() {
        return 2 * maxDisplacement + 1;
    }

    /**
     * The number of channels of the filters.
     *
     * @return layers * 2 * offsets
     */
    public int filterChannels() {
        return layers * 2 * offsets();
    }

    /**
     * The number of values in one frame of each input.
     *
     * @return of the frames, gates, filters and flow
     */
    public List<Long> inputSizes() {
        long pixels = (long) height * width;
        long patches = pixels / block / block;
        return List.of(pixels * channels, pixels * (layers + 1), patches * filterChannels(), patches * flowChannels);
    }
}
