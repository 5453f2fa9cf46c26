package io.framecast.tools;

import io.framecast.data.Video;
import io.framecast.data.Videos;
import io.framecast.tools.render.ComparisonGif;
import io.framecast.tools.render.FrameStrip;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;

/** GIFs and strips of random videos, truth beside prediction. */
final class Pictures {

    /** @param index of the video in its file */
    record Files(int index, Path gif, Path strip) {
    }

    private Pictures() {
    }

    /** @param firstIndex what the index of the first of the videos is in the file they are from */
    static List<Files> write(Forecaster forecaster, Videos videos, int firstIndex, int count, long seed, int context,
            int frames, Path directory) {
        List<Integer> indices = new ArrayList<>(IntStream.range(0, videos.count()).boxed().toList());
        Collections.shuffle(indices, new Random(seed));
        int[] chosen = indices.stream().limit(count).mapToInt(Integer::intValue).toArray();
        Arrays.sort(chosen);
        List<Files> files = new ArrayList<>();
        for (Forecaster.Forecast forecast : forecaster.of(videos, chosen)) {
            int index = firstIndex + forecast.index();
            Video truth = forecast.video().frames(0, context + frames);
            Path gif = directory.resolve("video-" + index + ".gif");
            Path strip = directory.resolve("video-" + index + ".png");
            ComparisonGif.write(gif, truth, forecast.prediction(), context);
            FrameStrip.write(strip, truth, forecast.prediction(), context);
            files.add(new Files(index, gif, strip));
        }
        return files;
    }
}
