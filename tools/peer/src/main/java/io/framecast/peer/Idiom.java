package io.framecast.peer;

import java.util.Arrays;

/**
 * A way to write a ConvLSTM in PyTorch, with its memory format. All ways have the same results, but not the same speed.
 */
enum Idiom {

    /** The cell of most repositories: one convolution of the frame and the hidden state, concatenated, per frame. */
    CONCATENATED(false, false),
    /** The same, with {@code memory_format=torch.channels_last}. */
    CONCATENATED_CHANNELS_LAST(false, true),
    /** The convolution of the input over all frames at once, and that of the hidden state added to it per frame. */
    AHEAD(true, false),
    /** The same, with {@code memory_format=torch.channels_last}. */
    AHEAD_CHANNELS_LAST(true, true);

    private final boolean ahead;
    private final boolean channelsLast;

    Idiom(boolean ahead, boolean channelsLast) {
        this.ahead = ahead;
        this.channelsLast = channelsLast;
    }

    boolean ahead() {
        return ahead;
    }

    boolean channelsLast() {
        return channelsLast;
    }

    String words() {
        return (ahead ? "input convolution over all frames" : "one convolution of frame and state")
                + (channelsLast ? ", channels last" : ", channels first");
    }

    static Idiom of(String words) {
        return Arrays.stream(values()).filter(idiom -> idiom.words().equals(words)).findFirst().orElseThrow();
    }
}
