package io.framecast.tools.option;

import io.framecast.train.TrainingSettings;

/** The shares of a run of scheduled sampling, as text: {@code 0.5}, or {@code 0.1..0.5}. */
public final class SamplingShares {

    private SamplingShares() {
    }

    /** @throws Options.UsageException if it is neither one share from 0 to 1 nor two, the smaller first */
    public static TrainingSettings.Sampling parse(String option, String text) {
        try {
            return TrainingSettings.Sampling.parse(text);
        } catch (IllegalArgumentException e) {
            throw new Options.UsageException(option + " must be a share of the run from 0 to 1, such as 0.5, or two "
                    + "with the smaller first, such as 0.1..0.5, not " + text + ".");
        }
    }
}
