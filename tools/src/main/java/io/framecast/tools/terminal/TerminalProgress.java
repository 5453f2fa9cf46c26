package io.framecast.tools.terminal;

import io.framecast.train.EpochMetrics;
import io.framecast.train.StepMetrics;
import io.framecast.train.TrainingListener;
import java.time.Duration;
import java.util.Locale;
import me.tongfei.progressbar.ProgressBar;

/** Shows a progress bar for the current epoch, if there is a terminal, and prints a line for each finished epoch. */
public final class TerminalProgress implements TrainingListener, AutoCloseable {

    private final int epochs;
    private long stepsLeft;
    private ProgressBar bar;
    private double seconds;
    private long videos;

    /**
     * @param epochs the maximal number of epochs; {@link Integer#MAX_VALUE} if only steps are limited
     * @param stepsLeft the maximal number of steps from now on
     */
    public TerminalProgress(int epochs, long stepsLeft) {
        this.epochs = epochs;
        this.stepsLeft = stepsLeft;
    }

    @Override
    public void epochStarted(int epoch, int batchesDone, int batches) {
        seconds = 0;
        videos = 0;
        if (Terminal.isWatched()) {
            bar = Terminal.bar("epoch " + epoch).setInitialMax(Math.min(batches, batchesDone + stepsLeft))
                    .startsFrom(batchesDone, Duration.ZERO).build();
        }
    }

    @Override
    public void samplingStarted(long step) {
        if (bar != null) {
            System.err.println(); // The bar goes on in the line below.
        }
        System.out.println("from step " + step + " on the model is trained on its own predictions, too: the loss is "
                + "that of a harder task, and so larger");
    }

    @Override
    public void stepDone(StepMetrics step) {
        stepsLeft--;
        seconds += step.seconds();
        videos += step.videos();
        if (bar != null) {
            bar.setExtraMessage(figures(step, videos / seconds, Terminal.columns()));
            bar.step();
        }
    }

    /** As many figures as fit beside the bar and its times. */
    static String figures(StepMetrics step, double videosPerSecond, int columns) {
        return (columns < 60 ? "" : String.format(Locale.ROOT, " loss %.4f", step.loss()))
                + (columns < 100 ? "" : String.format(Locale.ROOT, "  lr %.2g", step.learningRate()))
                + (columns < 80 ? "" : String.format(Locale.ROOT, "  %.1f videos/s", videosPerSecond));
    }

    @Override
    public void epochDone(EpochMetrics epoch) {
        close();
        System.out.printf(Locale.ROOT, "epoch %d%s  loss %.5f%s  lr %.2g  %.1f s%s%n", epoch.epoch(),
                epochs == Integer.MAX_VALUE ? "" : "/" + epochs, epoch.loss(),
                Double.isNaN(epoch.validationLoss()) ? ""
                        : String.format(Locale.ROOT, "  val_loss %.5f", epoch.validationLoss()),
                epoch.learningRate(), epoch.seconds(),
                // A run that resumes may find all steps of the epoch made.
                videos == 0 ? "" : String.format(Locale.ROOT, "  %.2f videos/s", videos / seconds));
    }

    /** Closes the bar of an unfinished epoch. */
    @Override
    public void close() {
        if (bar != null) {
            bar.close();
            bar = null;
        }
    }
}
