package io.framecast.tools;

import io.framecast.FramecastException;
import io.framecast.data.NpyType;
import io.framecast.data.NpyWriter;
import io.framecast.data.Videos;
import io.framecast.text.Count;
import io.framecast.tools.distributed.Processes;
import io.framecast.tools.option.FileName;
import io.framecast.tools.option.Options;
import io.framecast.video.ClipIndex;
import io.framecast.video.FrameWriter;
import io.framecast.video.PictureWriter;
import io.framecast.video.VideoInfo;
import io.framecast.video.VideoWriter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What forecasts are written to, by its name: a video for each forecast, a directory of pictures for each, or one .npy
 * file of all.
 *
 * @param name as the user gave it: one that ends with a slash names a directory
 */
record ForecastFile(String name) {

    /** Frames a second, where the source has none or is not followed. */
    private static final double USUAL_RATE = 10;

    /** How videos are shown: in frames of this size, so many a second. */
    record Shown(int height, int width, double rate) {
    }

    /** Makes the forecasts, and gives their frames on, in the order of the videos. */
    @FunctionalInterface
    interface Work {
        void run(FileOrder order) throws IOException;
    }

    Path path() {
        return Path.of(name);
    }

    private Optional<VideoWriter.Format> format() {
        return VideoWriter.Format.of(path());
    }

    /** Checks that its name says a format that can be written. */
    void requireFormat() {
        Options.require(!isArray() || FileName.allows(".npy", path()), "--output " + name + ": forecasts are written"
                + " as .npy, .mp4, .webm or .gif, or as pictures to a directory, DIR/; choose such a name.");
    }

    /** Checks, before the work, that it can be written, as far as its name shows. */
    void requireWritable() {
        if (!isDirectory()) {
            Options.requireWritable(path());
        } else if (!Files.exists(path()) && Processes.isFirst()) {
            PictureWriter.requireFree(path());
        }
    }

    /** Checks, before the forecasts, that all can be written, and that nothing is lost. */
    void requireWritable(Videos videos) {
        places(videos).forEach(isDirectory() ? PictureWriter::requireFree : Options::requireWritable);
    }

    private boolean isDirectory() {
        return name.endsWith("/");
    }

    /** Whether it is a .npy file, or a pipe that takes one. */
    boolean isArray() {
        return format().isEmpty() && !isDirectory();
    }

    /** How each forecast is shown: in its own size, or as the part of its source that the model was shown. */
    List<Shown> shown(Videos videos, ClipIndex index, boolean likeSource, double fps, int stride) {
        Options.require(!likeSource || index != null && !isArray(), "--like source is for forecasts of video files that"
                + " are written as videos or pictures; leave it out.");
        List<Shown> all = new ArrayList<>();
        for (int k = 0; k < videos.count(); k++) {
            VideoInfo source = likeSource ? index.files().get(index.clips().get(k).file()).info() : null;
            if (source == null) {
                all.add(new Shown(videos.height(), videos.width(), USUAL_RATE));
                continue;
            }
            double ratio = (double) videos.width() / videos.height();
            int width = (int) Math.max(1, Math.min(source.width(), Math.round(source.height() * ratio)));
            int height = (int) Math.max(1, Math.min(source.height(), Math.round(source.width() / ratio)));
            double rate = (fps > 0 ? fps : source.rate()) / stride;
            all.add(new Shown(height, width, rate > 0 ? rate : USUAL_RATE));
        }
        return all;
    }

    /**
     * Writes the forecasts.
     *
     * @param frames of each
     * @return what was written, in words
     */
    String write(Videos videos, int frames, List<Shown> shown, Work work) {
        if (isArray()) {
            NpyWriter.write(path(), NpyType.FLOAT32,
                    List.of(videos.count(), frames, videos.height(), videos.width(), videos.channels()),
                    out -> work.run(new FileOrder((video, frame, values) -> out.write(values), frames)));
            return name;
        }
        FrameWriter[] open = new FrameWriter[1];
        try {
            work.run(new FileOrder((video, frame, values) -> {
                if (frame == 0) {
                    open[0] = open(videos, video, shown.get(video));
                }
                open[0].write(values);
                if (frame == frames - 1) {
                    open[0].finish();
                    open[0].close();
                    open[0] = null;
                }
            }, frames));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } finally {
            if (open[0] != null) {
                open[0].close();
            }
        }
        return place(videos, 0) + (videos.count() > 1 ? " to " + place(videos, videos.count() - 1) : "");
    }

    private FrameWriter open(Videos videos, int video, Shown shown) {
        Path place = place(videos, video);
        return format().isEmpty() || isDirectory()
                ? PictureWriter.open(place, videos.height(), videos.width(), videos.channels(), shown.height,
                        shown.width)
                : VideoWriter.open(place, format().get(), videos.height(), videos.width(), videos.channels(),
                        shown.rate, shown.height, shown.width);
    }

    /** The file or directory of a forecast: of several, they are numbered from 1. */
    private Path place(Videos videos, int video) {
        if (videos.count() == 1) {
            return path();
        }
        if (isDirectory()) {
            return path().resolve(Integer.toString(video + 1));
        }
        return path().resolveSibling(path().getFileName().toString().replaceFirst("(?=\\.[^.]*$)", "-" + (video + 1)));
    }

    /** All files and directories that are written. */
    List<Path> places(Videos videos) {
        List<Path> places = new ArrayList<>();
        for (int k = 0; k < videos.count(); k++) {
            places.add(place(videos, k));
        }
        return places;
    }

    /** Lines that say which forecast is of which part of which video. */
    List<String> sources(Videos videos, ClipIndex index) {
        List<String> lines = new ArrayList<>();
        for (int k = 0; k < videos.count(); k++) {
            ClipIndex.Clip clip = index.clips().get(k);
            lines.add(place(videos, k) + ": of " + index.files().get(clip.file()).file() + " from frame " + clip.frame()
                    + " on");
        }
        return lines;
    }
}
