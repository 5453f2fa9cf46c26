package io.framecast.tools;

import io.framecast.data.NpyVideos;
import io.framecast.data.VideoLayout;
import java.nio.file.Path;
import picocli.CommandLine.Option;

/** How the axes of a file of videos are to be read. */
final class LayoutOption {

    @Option(names = "--layout", paramLabel = "LAYOUT", defaultValue = "auto",
            description = "The axes of the file: tnhw (frames first) or nthw (videos first); auto recognises the "
                    + "official Moving MNIST. Default: ${DEFAULT-VALUE}.")
    private VideoLayout layout;

    NpyVideos open(Path file) {
        return NpyVideos.open(file, layout);
    }
}
