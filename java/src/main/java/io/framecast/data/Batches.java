package io.framecast.data;

import io.framecast.FramecastException;
import io.framecast.text.Count;
import java.util.Arrays;
import java.util.Objects;
import java.util.Random;

/**
 * Cuts videos into batches, epoch after epoch. The order of an epoch depends on the seed and the epoch's number
 * alone, so any epoch can be resumed at any batch.
 */
public final class Batches {

    private final Videos videos;
    private final int batchSize;
    private final boolean shuffle;
    private final long seed;
    private final int part;
    private final int parts;

    /**
     * Batches of videos, for one process.
     *
     * @param videos what to cut into batches
     * @param batchSize the number of videos in a batch, at least 1
     * @param shuffle whether each epoch has a new order; if false, the order of the videos
     * @param seed of the order, where it is shuffled
     * @throws FramecastException if the batch size is below one or a batch too large for one array
     */
    public Batches(Videos videos, int batchSize, boolean shuffle, long seed) {
        this(videos, batchSize, shuffle, seed, 0, 1);
    }

    /**
     * One process's part of the batches of videos. Only its own videos are read.
     *
     * @param videos what to cut into batches
     * @param batchSize the number of videos in a batch, at least 1
     * @param shuffle whether each epoch has a new order; if false, the order of the videos
     * @param seed of the order, where it is shuffled
     * @param part which {@link BatchPart} of each batch, from 0
     * @param parts the number of parts of each batch
     * @throws FramecastException if the batch size is below one or a batch too large for one array
     */
    public Batches(Videos videos, int batchSize, boolean shuffle, long seed, int part, int parts) {
        Objects.checkIndex(part, parts);
        if (batchSize < 1) {
            throw new FramecastException("The batch size is " + batchSize + "; it must be at least 1.");
        }
        long videoSize = (long) videos.frames() * videos.frameSize();
        if (videoSize > Integer.MAX_VALUE - 8) {
            throw new FramecastException("Videos of " + videos.frames() + " frames of " + videos.height() + "x"
                    + videos.width() + "x" + videos.channels()
                    + " are too large to train on; cut them into shorter or smaller ones.");
        }
        if (Math.min(batchSize, videos.count()) * videoSize > Integer.MAX_VALUE - 8) {
            throw new FramecastException("A batch of " + Count.of(batchSize, "video") + " of " + videoSize
                    + " values each is too large; choose a batch size of at most "
                    + (Integer.MAX_VALUE - 8) / videoSize + ".");
        }
        this.videos = videos;
        this.batchSize = batchSize;
        this.shuffle = shuffle;
        this.seed = seed;
        this.part = part;
        this.parts = parts;
    }

    /**
     * The number of batches of an epoch; the last may be smaller than the others.
     *
     * @return the batch count, rounded up
     */
    public int count() {
        return (int) (((long) videos.count() + batchSize - 1) / batchSize);
    }

    /**
     * Starts to load epoch {@code number} in the background.
     *
     * @param number of the epoch, which decides the order and {@link Videos#ofEpoch the videos}
     * @param fromBatch the first batch to give, 0 to {@link #count()}
     * @return the batches, for the caller to close
     */
    public Epoch epoch(int number, int fromBatch) {
        Objects.checkIndex(fromBatch, count() + 1);
        int[] order = order(number);
        Videos ofEpoch = videos.ofEpoch(number);
        return new Epoch(batch -> load(ofEpoch, order, batch), fromBatch, count());
    }

    private int[] order(int epoch) {
        int[] order = new int[videos.count()];
        Arrays.setAll(order, i -> i);
        if (shuffle) {
            Random random = new Random(Seeds.mix(seed, epoch));
            for (int i = order.length - 1; i > 0; i--) { // Fisher-Yates
                int j = random.nextInt(i + 1);
                int swapped = order[i];
                order[i] = order[j];
                order[j] = swapped;
            }
        }
        return order;
    }

    private Batch load(Videos videos, int[] order, int batch) {
        int from = batch * batchSize;
        BatchPart own = BatchPart.of(Math.min(batchSize, order.length - from), part, parts);
        int size = Math.max(1, own.count());
        int frameSize = videos.frameSize();
        float[] values = new float[videos.frames() * size * frameSize];
        for (int b = 0; b < own.count(); b++) {
            videos.read(order[from + own.first() + b], 0, videos.frames(), values, b * frameSize, size * frameSize);
        }
        return new Batch(size, videos.frames(), videos.height(), videos.width(), videos.channels(), values, own);
    }
}
