package io.framecast.data;

/** The order of the first two axes of a file of videos: N videos of T frames. */
public enum VideoLayout {
    /** Recognised by the shape, and where that leaves a doubt by the content. */
    AUTO,
    /** Frames first, as in the official Moving MNIST file. */
    TNHW,
    /** Videos first. */
    NTHW
}
