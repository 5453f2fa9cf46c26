package io.framecast.data;

/**
 * The videos of a batch that one of several processes computes: the batch is cut into parts of consecutive videos,
 * whose sizes differ by at most one, the larger ones first.
 *
 * @param first the first video of the part
 * @param count the videos of the part; 0 if there are more processes than videos
 * @param whole the videos of the batch
 */
public record BatchPart(int first, int count, int whole) {

    /**
     * One of the parts of a batch.
     *
     * @param whole the videos of the batch
     * @param index of the part, from 0
     * @param parts the number of parts
     * @return the part
     */
    public static BatchPart of(int whole, int index, int parts) {
        int larger = whole % parts;
        return new BatchPart(whole / parts * index + Math.min(index, larger),
                whole / parts + (index < larger ? 1 : 0), whole);
    }

    /**
     * The weight of a mean over the part in the mean over the whole batch.
     *
     * @return from 0 to 1
     */
    public double weight() {
        return (double) count / whole;
    }
}
