package io.framecast.train;

/** The progress of a run: finished epochs, and sums over the finished batches of the current epoch. */
final class EpochProgress {

    private int epoch;
    private int batch;
    private double loss;
    private long videos;
    private double seconds;

    /** @param from the progress to continue from; null at the start */
    EpochProgress(Progress from) {
        if (from != null) {
            epoch = from.epoch();
            batch = from.batch();
            loss = from.epochLoss();
            videos = from.epochVideos();
            seconds = from.epochSeconds();
        }
    }

    /** Finished epochs. */
    int epoch() {
        return epoch;
    }

    /** Finished batches of the current epoch. */
    int batch() {
        return batch;
    }

    /** The mean loss per video of the current epoch so far. */
    double meanLoss() {
        return loss / videos;
    }

    /** The duration of the current epoch so far, in seconds. */
    double seconds() {
        return seconds;
    }

    void add(StepMetrics step) {
        batch++;
        loss += step.loss() * step.videos();
        videos += step.videos();
        seconds += step.seconds();
    }

    void addSeconds(double more) {
        seconds += more;
    }

    void nextEpoch() {
        epoch++;
        batch = 0;
        loss = 0;
        videos = 0;
        seconds = 0;
    }

    Progress toProgress(long step, double learningRate, Progress.Callbacks callbacks, long seed) {
        return new Progress(step, epoch, batch, loss, videos, seconds, learningRate, callbacks,
                new Progress.RandomState(seed));
    }
}
