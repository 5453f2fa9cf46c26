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
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;

/**
 * GIFs and strips of random videos, with truth and prediction side by side, or the predictions of two models.
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
     * A model whose forecasts are drawn.
     *
     * @param title of its forecasts
     * @param atOnce how many videos it forecasts at once: their forecasts are in the heap until they are drawn
     */
    record Model(String title, Forecaster forecaster, int atOnce) implements AutoCloseable {
        @Override
        public void close() {
            forecaster.close();
        }
    }

    /** Creates a model's network. */
    Model open(Backend backend, Checkpoint checkpoint, String title) {
        int atOnce = Forecaster.videosAtOnce(checkpoint.model(), frames);
        return new Model(title, Forecaster.open(backend, checkpoint, atOnce), atOnce);
    }

    /** Draws {@code count} of the videos, with the forecasts of one or two models. */
    List<Files> write(List<Model> models, int count, long seed, Path directory) {
        List<Integer> indices = new ArrayList<>(IntStream.range(0, videos.count()).boxed().toList());
        Collections.shuffle(indices, new Random(seed));
        int[] chosen = indices.stream().limit(count).mapToInt(Integer::intValue).sorted().toArray();
        int atOnce = models.stream().mapToInt(Model::atOnce).min().orElseThrow();
        List<Files> files = new ArrayList<>();
        for (int from = 0; from < chosen.length; from += atOnce) {
            int[] group = Arrays.copyOfRange(chosen, from, Math.min(chosen.length, from + atOnce));
            List<Map<Integer, List<Video>>> forecasts = models.stream().map(model -> forecast(model, group)).toList();
            for (int index : group) {
                files.add(draw(index, IntStream.range(0, models.size()).mapToObj(k ->
                        new Forecast.Prediction(models.get(k).title, forecasts.get(k).remove(index))).toList(),
                        directory));
            }
        }
        return files;
    }

    /** The forecasts of some of the videos, by index. */
    private Map<Integer, List<Video>> forecast(Model model, int[] indices) {
        Map<Integer, List<Video>> predicted = new HashMap<>();
        model.forecaster.forecast(videos, indices, context, frames, (index, frame, values) ->
                predicted.computeIfAbsent(index, k -> new ArrayList<>()).add(Forecast.reduced(
                        new Video(1, videos.height(), videos.width(), videos.channels(), values))));
        return predicted;
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

    private Files draw(int index, List<Forecast.Prediction> predictions, Path directory) {
        int end = context + frames;
        List<Video> truth = IntStream.range(Forecast.firstShown(context), end)
                .mapToObj(t -> Forecast.reduced(videos.get(index, t, t + 1))).toList();
        Forecast forecast = new Forecast(end, videos.height(), videos.width(), truth, predictions);
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
