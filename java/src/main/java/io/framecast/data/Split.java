package io.framecast.data;

import io.framecast.FramecastException;
import io.framecast.text.Count;
import java.math.BigDecimal;
import java.math.RoundingMode;

/**
 * Videos to train on and videos to validate with; the latter may be empty.
 *
 * @param training at least one video
 * @param validation may have no videos
 */
public record Split(Videos training, Videos validation) {

    /**
     * Splits as Keras's {@code validation_split} does: of n videos the first floor(n * (1 - fraction)) are for
     * training, the last ones for validation.
     *
     * @param videos what to split
     * @param validationFraction in [0, 1)
     * @return two slices of the videos
     * @throws FramecastException if the fraction is out of range or leaves nothing to train on
     */
    public static Split of(Videos videos, double validationFraction) {
        int training = trainingCount(videos.count(), validationFraction);
        return new Split(videos.slice(0, training), videos.slice(training, videos.count()));
    }

    /**
     * How many of {@code count} videos are for training. Throws as {@link #of}.
     *
     * @param count all videos
     * @param validationFraction in [0, 1)
     * @return 1 to {@code count}
     */
    public static int trainingCount(int count, double validationFraction) {
        if (!(validationFraction >= 0 && validationFraction < 1)) {
            throw new FramecastException("The validation split is " + validationFraction
                    + "; it must be at least 0 and below 1.");
        }
        // In decimal arithmetic: in binary, 10 * (1 - 0.9) is just below 1, and floor gives 0.
        int training = BigDecimal.ONE.subtract(BigDecimal.valueOf(validationFraction))
                .multiply(BigDecimal.valueOf(count)).setScale(0, RoundingMode.FLOOR).intValueExact();
        if (training == 0) {
            throw new FramecastException("A validation split of " + validationFraction + " leaves none of "
                    + Count.of(count, "video") + " to train on; give more videos, or "
                    + (count == 1 ? "a split of 0." : "a smaller split."));
        }
        return training;
    }
}
