package io.framecast.tools;

import io.framecast.train.EpochMetrics;
import io.framecast.train.StepMetrics;
import io.framecast.train.TrainingListener;
import java.util.Locale;
import me.tongfei.progressbar.ProgressBar;

/** A progress bar for the epoch in progress, where there is a terminal, and a line for each epoch that is over. */
final class TerminalProgress implements TrainingListener, AutoCloseable {

    private final int epochs;
    private ProgressBar bar;
    private double seconds;
    private long videos;

    TerminalProgress(int epochs) {
        this.epochs = epochs;
    }

    @Override
    public void epochStarted(int epoch, int batchesDone, int batches) {
        seconds = 0;
        videos = 0;
        if (Terminal.isWatched()) {
            bar = Terminal.bar("epoch " + epoch).setInitialMax(batches)
                    .startsFrom(batchesDone, java.time.Duration.ZERO).setMaxRenderedLength(110).build();
        }
    }

    @Override
    public void stepDone(StepMetrics step) {
        seconds += step.seconds();
        videos += step.videos();
        if (bar != null) {
            bar.setExtraMessage(String.format(Locale.ROOT, " loss %.4f  lr %.2g  %.1f videos/s", step.loss(),
                    step.learningRate(), videos / seconds));
            bar.step();
        }
    }

    @Override
    public void epochDone(EpochMetrics epoch) {
        close();
        System.out.printf(Locale.ROOT, "epoch %d%s  loss %.5f%s  lr %.2g  %.1f s  %.2f videos/s%n", epoch.epoch(),
                epochs == Integer.MAX_VALUE ? "" : "/" + epochs, epoch.loss(),
                Double.isNaN(epoch.validationLoss()) ? ""
                        : String.format(Locale.ROOT, "  val_loss %.5f", epoch.validationLoss()),
                epoch.learningRate(), epoch.seconds(), videos / seconds);
    }

    /** Ends the bar of an epoch that is not over. */
    @Override
    public void close() {
        if (bar != null) {
            bar.close();
            bar = null;
        }
    }
}
