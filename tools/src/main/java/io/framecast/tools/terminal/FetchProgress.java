package io.framecast.tools.terminal;

import io.framecast.backend.FetchListener;
import java.net.URI;

/** Shows the progress of a download on standard error: one dot per 10 MB. */
public final class FetchProgress implements FetchListener {

    private static final long DOT = 10_000_000L;

    private long dots;

    @Override
    public void started(String what, URI from) {
        System.err.print("framecast: fetching " + what + ", from " + from + " ");
        dots = 0;
    }

    @Override
    public void progressed(long bytesDone, long bytesTotal) {
        for (; dots < bytesDone / DOT; dots++) {
            System.err.print('.');
        }
    }

    @Override
    public void ended(boolean complete) {
        System.err.println(complete ? " done" : "");
    }
}
