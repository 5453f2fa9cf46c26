package io.framecast.tools.bundle;

import io.framecast.tools.terminal.FetchProgress;
import io.framecast.video.Ffmpeg;
import java.io.IOException;
import java.nio.file.Path;

/** Puts FFmpeg's libraries into a bundle, to where they are loaded from: {@code BundledVideo DIR}. */
public final class BundledVideo {

    private BundledVideo() {
    }

    /** Copies the libraries below the directory, which is on the class path of the bundle. */
    public static void main(String[] args) throws IOException {
        Ffmpeg.copyTo(Path.of(args[0]), new FetchProgress());
    }
}
