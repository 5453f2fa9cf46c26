package io.framecast.system;

import io.framecast.FramecastException;
import io.framecast.Remedy;

/** What fits the memory of the JVM, asked before much of it is taken. */
public final class JavaHeap {

    private JavaHeap() {
    }

    /**
     * @param what takes so many bytes, as the beginning of a sentence
     * @throws FramecastException if the whole heap is smaller than that
     */
    public static void require(long bytes, String what) {
        long heap = Runtime.getRuntime().maxMemory();
        if (bytes > heap) {
            throw new FramecastException(what + " would take " + (bytes >> 20) + " MB, and the Java heap has "
                    + (heap >> 20) + " MB; start Java with a larger heap.", Remedy.LARGER_HEAP);
        }
    }
}
