package io.framecast.backend;

import java.util.List;

/**
 * The channels of several inputs in one frame: those of the first input first.
 *
 * @param height rows of all frames
 * @param width columns of all frames
 * @param channels of each input, at least 2 inputs
 */
public record ConcatenateSpec(int height, int width, List<Integer> channels) {

    /**
     * Copies the list.
     *
     * @param height rows of all frames
     * @param width columns of all frames
     * @param channels of each input, at least 2 inputs
     */
    public ConcatenateSpec {
        channels = List.copyOf(channels);
    }

    /**
     * The number of channels of the output.
     *
     * @return the sum of those of the inputs
     */
    public int outputChannels() {
        return channels.stream().mapToInt(Integer::intValue).sum();
    }
}
