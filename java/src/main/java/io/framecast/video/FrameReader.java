package io.framecast.video;

import java.util.Optional;

/** The frames of a video, one after the other. */
public interface FrameReader extends AutoCloseable {

    /**
     * What the video is.
     *
     * @return its size, rate and colours
     */
    VideoInfo info();

    /**
     * Reads the next frame.
     *
     * @param frame receives (height, width, channels) uint8 of the {@link FrameFormat}
     * @return false at the end, also where the rest is damaged: see {@link #damage}
     */
    boolean read(byte[] frame);

    /**
     * When the frame that was read last is shown.
     *
     * @return seconds from the beginning of the video
     */
    double time();

    /**
     * What is wrong with the part of the video after the last frame that could be read.
     *
     * @return words such as "the file ends too early"; empty if all was read, or nothing was found yet
     */
    Optional<String> damage();

    /** Closes the file. */
    @Override
    void close();
}
