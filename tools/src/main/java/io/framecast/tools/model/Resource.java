package io.framecast.tools.model;

import java.util.Locale;

/** What can limit a kernel. */
public enum Resource {
    /** The tensor cores, by mma.sync. */
    TENSOR,
    /** The pipe of multiply-adds in fp32. */
    FP32,
    /** The pipe of multiply-adds in fp64. */
    FP64,
    /** The special-function units. */
    SPECIAL,
    /** The banks of shared memory. */
    SHARED,
    /** The schedulers' issue slots. */
    ISSUE,
    /** The level 2 cache: sectors that the level 1 caches do not hold. */
    L2,
    /** The device's memory: what a launch touches, but for what the level 2 cache has from the launch before. */
    MEMORY,
    /** Beginning and ending. */
    LAUNCH;

    /** In output. */
    String label() {
        return name().toLowerCase(Locale.ROOT);
    }
}
