package io.framecast.data;

/**
 * Videos whose values encode their position: 1000 * video + 10 * frame + value / 100 (so at most 100 values per frame).
 */
record NumberedVideos(int count, int frames, int height, int width, int channels) implements Videos {

    @Override
    public Video get(int index) {
        float[] values = new float[frames * frameSize()];
        for (int i = 0; i < values.length; i++) {
            values[i] = value(index, i / frameSize(), i % frameSize());
        }
        return new Video(frames, height, width, channels, values);
    }

    static float value(int video, int frame, int place) {
        return 1000 * video + 10 * frame + place / 100f;
    }
}
