package io.framecast.tools.check.stage;

/**
 * One check of a stage.
 *
 * @param name what was checked
 * @param outcome how it ended
 * @param why what was wrong, or why it was skipped; null if it passed
 * @param error the largest error, of that value whose error is the largest share of its bound; null if nothing is
 *     compared
 * @param bound what is allowed there; null if nothing is compared
 * @param seconds how long it took
 */
public record Check(String name, Outcome outcome, String why, Double error, Double bound, double seconds) {

    /** The error as a share of its bound; 0 if nothing is compared. */
    public double share() {
        return error == null || error == 0 ? 0 : error / bound;
    }
}
