package io.framecast.train;

import io.framecast.data.Video;
import io.framecast.data.Videos;
import java.util.Random;

/** Small videos of a grey square that moves over a noisy background: they can be learnt in a few steps. */
public record MovingSquares(int count, int frames, int height, int width, int channels) implements Videos {

    @Override
    public Video get(int index) {
        Random random = new Random(1000 + index);
        float[] values = new float[frames * frameSize()];
        int top = random.nextInt(height);
        int left = random.nextInt(width);
        int down = random.nextInt(3) - 1;
        int right = random.nextInt(3) - 1;
        for (int i = 0; i < values.length; i++) {
            int frame = i / frameSize();
            int y = i / channels / width % height;
            int x = i / channels % width;
            boolean square = Math.floorMod(y - top - frame * down, height) < 3
                    && Math.floorMod(x - left - frame * right, width) < 3;
            // Multiples of 1/255, as in uint8 files.
            values[i] = ((square ? 200 : 10) + random.nextInt(40)) / 255f;
        }
        return new Video(frames, height, width, channels, values);
    }
}
