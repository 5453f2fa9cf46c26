package io.framecast.system;

import io.framecast.FramecastException;
import io.framecast.Remedy;

/** Checks that a large allocation can fit the Java heap. */
public final class JavaHeap {

    private JavaHeap() {
    }

    /**
     * @param what needs the memory, as the beginning of a sentence
     * @throws FramecastException if the maximal heap size is too small
     */
    public static void require(long bytes, String what) {
        long heap = Runtime.getRuntime().maxMemory();
        if (bytes > heap) {
            throw new FramecastException(what + " would take " + (bytes >> 20) + " MB, and the Java heap has "
                    + (heap >> 20) + " MB; start Java with a larger heap.", Remedy.LARGER_HEAP);
        }
    }
}
