package io.framecast.train;

import io.framecast.backend.ProcessGroup;
import io.framecast.data.Batch;
import io.framecast.data.Batches;
import io.framecast.data.Epoch;
import io.framecast.data.Videos;
import java.util.OptionalDouble;
import java.util.concurrent.CancellationException;
import java.util.function.BooleanSupplier;

/** The loss of the validation videos, with the moving averages of batch normalisation. */
final class Validation {

    private final Videos videos;
    private final Batches batches;
    private final ProcessGroup group;

    /**
     * @param videos may be empty
     * @param group shares every batch
     */
    Validation(Videos videos, int batchSize, ProcessGroup group) {
        this.videos = videos;
        this.group = group;
        batches = new Batches(videos, batchSize, false, 0, group.rank(), group.size());
    }

    boolean isEmpty() {
        return videos.count() == 0;
    }

    /**
     * The mean over the videos. If the settings have scheduled sampling, validation samples from the first epoch on, so
     * that the losses of all epochs can be compared.
     *
     * @param stopping asked before each batch
     * @return the same in all processes; empty if one of them stopped before its last video
     */
    OptionalDouble meanLoss(TrainingNetwork network, BooleanSupplier stopping) {
        OptionalDouble own = network.validating(() -> sum(network, stopping));
        double[] all = group.allGather(own.orElse(0), own.isPresent() ? 0 : 1);
        double sum = 0;
        for (int rank = 0; rank < group.size(); rank++) {
            if (all[2 * rank + 1] > 0) {
                return OptionalDouble.empty();
            }
            sum += all[2 * rank];
        }
        return OptionalDouble.of(sum / videos.count());
    }

    private OptionalDouble sum(TrainingNetwork network, BooleanSupplier stopping) {
        double sum = 0;
        try (Epoch loaded = batches.epoch(0, 0)) {
            while (loaded.hasNext()) {
                if (stopping.getAsBoolean()) {
                    return OptionalDouble.empty();
                }
                Batch batch = loaded.next();
                if (batch.part().count() > 0) {
                    network.upload(batch);
                    network.validate(batch);
                    sum += network.loss() * batch.size();
                }
            }
        } catch (CancellationException e) { // Interrupted while it waited.
            return OptionalDouble.empty();
        }
        return OptionalDouble.of(sum);
    }
}
