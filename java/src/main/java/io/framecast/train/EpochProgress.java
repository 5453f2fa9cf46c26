package io.framecast.train;

/** How far a run is: its epochs, and the sums over the batches done of the epoch in progress. */
final class EpochProgress {

    private int epoch;
    private int batch;
    private double loss;
    private long videos;
    private double seconds;

    /** @param from where to go on; null to begin */
    EpochProgress(Progress from) {
        if (from != null) {
            epoch = from.epoch();
            batch = from.batch();
            loss = from.epochLoss();
            videos = from.epochVideos();
            seconds = from.epochSeconds();
        }
    }

    /** Epochs finished. */
    int epoch() {
        return epoch;
    }

    /** Batches done of the epoch in progress. */
    int batch() {
        return batch;
    }

    /** The mean loss of the videos seen in the epoch in progress. */
    double meanLoss() {
        return loss / videos;
    }

    /** The time that the epoch in progress took so far. */
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
