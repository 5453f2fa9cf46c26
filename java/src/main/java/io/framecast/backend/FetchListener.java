package io.framecast.backend;

import java.net.URI;

/** Receives the progress of a download, which can take minutes. The methods do nothing by default. */
public interface FetchListener {

    /** Ignores everything. */
    FetchListener NONE = new FetchListener() { };

    /**
     * The download begins.
     *
     * @param what the file in words, such as "NVRTC 12.9, the compiler of CUDA kernels (45 MB, once)"
     * @param from the address it is fetched from
     */
    default void started(String what, URI from) {
    }

    /**
     * More bytes have arrived.
     *
     * @param bytesDone of the content, after it was unpacked
     * @param bytesTotal of the whole content
     */
    default void progressed(long bytesDone, long bytesTotal) {
    }

    /**
     * The fetching is over.
     *
     * @param complete whether all is here; if not, the method that fetches throws an exception next
     */
    default void ended(boolean complete) {
    }
}
