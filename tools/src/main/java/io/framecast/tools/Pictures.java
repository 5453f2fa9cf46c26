package io.framecast.tools;

import io.framecast.backend.Backend;
import io.framecast.data.Video;
import io.framecast.data.Videos;
import io.framecast.predict.Forecaster;
import io.framecast.tools.render.ComparisonGif;
import io.framecast.tools.render.Forecast;
import io.framecast.tools.render.FrameStrip;
import io.framecast.train.Checkpoint;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;

/**
 * GIFs and strips of random videos, with truth and prediction side by side.
 *
 * @param videos to choose from
 * @param context how many frames the model is given
 * @param frames how many it predicts
 */
record Pictures(Videos videos, int context, int frames) {

    /** @param number the video's index in its file */
    record Files(int number, Path gif, Path strip) {
    }

    /**
     * Creates a forecaster, with a batch size that takes into account that forecasts are kept in the heap until they
     * are drawn.
     */
    Forecaster open(Backend backend, Checkpoint checkpoint) {
        return Forecaster.open(backend, checkpoint, Forecaster.videosAtOnce(checkpoint.model(), frames));
    }

    /** Draws {@code count} of the videos. Each picture is written as soon as its forecast is complete. */
    List<Files> write(Forecaster forecaster, int count, long seed, Path directory) {
        List<Integer> indices = new ArrayList<>(IntStream.range(0, videos.count()).boxed().toList());
        Collections.shuffle(indices, new Random(seed));
        int[] chosen = indices.stream().limit(count).mapToInt(Integer::intValue).sorted().toArray();
        Map<Integer, List<Video>> predicted = new HashMap<>();
        List<Files> files = new ArrayList<>();
        forecaster.forecast(videos, chosen, context, frames, (index, frame, values) -> {
            predicted.computeIfAbsent(index, k -> new ArrayList<>()).add(Forecast.reduced(
                    new Video(1, videos.height(), videos.width(), videos.channels(), values)));
            if (frame == frames - 1) {
                files.add(draw(index, predicted.remove(index), directory));
            }
        });
        return files;
    }

    /** The files in a directory that have names of pictures. */
    static List<Path> in(Path directory) {
        List<Path> pictures = new ArrayList<>();
        try (DirectoryStream<Path> files = java.nio.file.Files.newDirectoryStream(directory, "video-*.{gif,png}")) {
            files.forEach(pictures::add);
        } catch (IOException e) {
            // The directory does not exist yet, or writing to it will give a better message.
        }
        return pictures;
    }

    private Files draw(int index, List<Video> predicted, Path directory) {
        int end = context + predicted.size();
        List<Video> truth = IntStream.range(Forecast.firstShown(context), end)
                .mapToObj(t -> Forecast.reduced(videos.get(index, t, t + 1))).toList();
        Forecast forecast = new Forecast(end, videos.height(), videos.width(), truth, predicted);
        int number = videos.number(index);
        Path gif = directory.resolve("video-" + number + ".gif");
        Path strip = directory.resolve("video-" + number + ".png");
        ComparisonGif.write(gif, forecast);
        FrameStrip.write(strip, forecast);
        return new Files(number, gif, strip);
    }

    /** What the pictures do not show, in sentences. */
    List<String> omissions() {
        return Forecast.omissions(context, frames, videos.height(), videos.width(), videos.channels());
    }
}
