package io.framecast.tools.option;

import io.framecast.nn.FrameShape;
import picocli.CommandLine.Option;

/** The option for the length of clips, of commands that do not take it from what they predict. */
public final class ClipLength {

    static final int USUAL = 20;

    @Option(names = "--frames", paramLabel = "N",
            description = "The frames of each clip of a video file. Default: " + USUAL + ".")
    public Integer frames;

    public VideoOptions.Wanted wanted() {
        return wanted(null);
    }

    /** @param model the frames of a model; null: any */
    public VideoOptions.Wanted wanted(FrameShape model) {
        Options.require(frames == null || frames >= 2, "--frames must be at least 2, not " + frames + ".");
        int length = frames == null ? USUAL : frames;
        return new VideoOptions.Wanted(length, frames != null, length, model);
    }
}
