package io.framecast.example;

import io.framecast.backend.Backend;
import io.framecast.data.Split;
import io.framecast.data.Videos;
import io.framecast.device.Backends;
import io.framecast.nn.FrameShape;
import io.framecast.nn.Models;
import io.framecast.predict.Forecaster;
import io.framecast.train.Checkpoint;
import io.framecast.train.EpochMetrics;
import io.framecast.train.Trainer;
import io.framecast.train.TrainingListener;
import io.framecast.train.TrainingResult;
import io.framecast.train.TrainingSettings;
import java.nio.file.Path;

/** The engine as a library. README's section of that name shows the body of this class, and a test compares them. */
public final class MovingSquareExample {

    static final int FRAMES = 12;
    static final int SIZE = 16;

    public static void main(String[] args) {
        Path file = Path.of(args[0]);
        Split split = Split.of(movingSquares(50), 0.2);
        Checkpoint start = Checkpoint.initial(Models.load("small", new FrameShape(SIZE, SIZE, 1)), 1);
        TrainingSettings settings = TrainingSettings.builder().epochs(10).batchSize(2).learningRate(0.003).build();

        try (Backend backend = Backends.auto()) {
            TrainingResult result = Trainer.fit(backend, start, split.training(), split.validation(), settings,
                    new TrainingListener() {
                        @Override
                        public void epochDone(EpochMetrics epoch) {
                            System.out.println("epoch " + epoch.epoch() + ": loss " + epoch.loss());
                        }
                    });
            result.best().write(file);

            try (Forecaster forecaster = Forecaster.open(backend, Checkpoint.read(file))) {
                float[] seen = split.validation().get(0, 0, 8).values();
                float[][] next = forecaster.forecast(seen, 4);
                System.out.println(next.length + " frames of " + next[0].length + " values");

                Forecaster.Evaluation scores = forecaster.evaluate(split.validation(), 8, 4);
                System.out.println("squared error of a frame: " + scores.model().mse().mean()
                        + ", of repeating the last frame: " + scores.baseline().mse().mean());
            }
        }
    }

    /** White squares that move to the right by a pixel a frame; values are (videos, frames, height, width, channels). */
    static Videos movingSquares(int count) {
        float[] values = new float[count * FRAMES * SIZE * SIZE];
        for (int i = 0; i < values.length; i++) {
            int x = i % SIZE;
            int y = i / SIZE % SIZE;
            int frame = i / (SIZE * SIZE) % FRAMES;
            int video = i / (SIZE * SIZE * FRAMES);
            boolean inside = Math.floorMod(x - frame - 5 * video, SIZE) < 4 && Math.floorMod(y - 3 * video, SIZE) < 4;
            values[i] = inside ? 1 : 0;
        }
        return Videos.of(values, count, FRAMES, SIZE, SIZE, 1);
    }
}
