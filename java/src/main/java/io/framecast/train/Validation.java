package io.framecast.train;

import io.framecast.data.Batch;
import io.framecast.data.Batches;
import io.framecast.data.Epoch;
import io.framecast.data.Videos;
import java.util.OptionalDouble;
import java.util.function.BooleanSupplier;

/** The loss of the validation videos, with the moving averages of batch normalisation. */
final class Validation {

    private final Videos videos;
    private final Batches batches;

    /** @param videos may be empty */
    Validation(Videos videos, int batchSize) {
        this.videos = videos;
        batches = new Batches(videos, batchSize, false, 0);
    }

    boolean isEmpty() {
        return videos.count() == 0;
    }

    /**
     * The mean over the videos. If the settings have scheduled sampling, validation samples from the first epoch on, so
     * that the losses of all epochs can be compared.
     *
     * @param stopping asked before each batch
     * @return empty if it stopped before the last video
     */
    OptionalDouble meanLoss(TrainingNetwork network, BooleanSupplier stopping) {
        return network.validating(() -> loss(network, stopping));
    }

    private OptionalDouble loss(TrainingNetwork network, BooleanSupplier stopping) {
        double sum = 0;
        try (Epoch loaded = batches.epoch(0, 0)) {
            while (loaded.hasNext()) {
                if (stopping.getAsBoolean()) {
                    return OptionalDouble.empty();
                }
                Batch batch = loaded.next();
                network.upload(batch);
                network.validate(batch);
                sum += network.loss() * batch.size();
            }
        }
        return OptionalDouble.of(sum / videos.count());
    }
}
