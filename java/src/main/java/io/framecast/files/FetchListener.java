package io.framecast.files;

import java.net.URI;

/** Receives the progress of a download, which can take minutes. The methods do nothing by default. */
public interface FetchListener {

    /** Ignores everything. */
    FetchListener NONE = new FetchListener() { };

    /**
     * The download begins.
     *
     * @param what the file in words, such as "NVRTC 12.9, the compiler of CUDA kernels (45 MB, once)"
     */
    default void started(String what, URI from) {
    }

    /**
     * More bytes have arrived.
     *
     * @param bytesDone bytes of the content so far, after decompression
     */
    default void progressed(long bytesDone, long bytesTotal) {
    }

    /** @param complete true if the download is complete; if false, the downloading method throws an exception next */
    default void ended(boolean complete) {
    }
}
