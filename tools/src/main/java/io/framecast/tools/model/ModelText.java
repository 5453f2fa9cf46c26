package io.framecast.tools.model;

import io.framecast.text.Count;
import java.util.Locale;

/** A modelled step as a table for a terminal. Each line says that it is modelled. */
public final class ModelText {

    /** Kernels with a smaller share of the step are one line together. */
    private static final double VISIBLE = 1e-3;

    private final StepModel step;
    private final StringBuilder text = new StringBuilder();

    private ModelText(StepModel step) {
        this.step = step;
    }

    public static String of(StepModel step) {
        ModelText text = new ModelText(step);
        text.head();
        text.kernels();
        text.whole();
        return text.text.toString();
    }

    private void head() {
        GpuRates gpu = step.gpu();
        line("%s, batches of %s of %s, %s, on one %s: %d multiprocessors at %.2f GHz", step.model(),
                Count.of(step.batch(), "video"), Count.of(step.frames(), "input frame"),
                step.precision().name().toLowerCase(Locale.ROOT), gpu.board(), gpu.multiprocessors(),
                gpu.clock() / 1e9);
        line("from counters of some blocks of each launch, scaled, and published rates; nothing was measured");
        line("ms are of all launches of a step: what the launches take, and then what each resource alone would take");
    }

    private void kernels() {
        StringBuilder resources = new StringBuilder();
        for (Resource resource : Resource.values()) {
            resources.append(String.format(Locale.ROOT, " %8s", resource.label()));
        }
        line("%-28s %7s %8s %5s %5s %7s %5s %9s %6s %-7s%s", "kernel", "blocks", "launches", "regs", "a SM", "waves",
                "even", "ms", "share", "bound", resources);
        int further = 0;
        double rest = 0;
        for (LaunchTime kernel : step.kernels()) {
            if (kernel.allSeconds() >= VISIBLE * step.seconds()) {
                kernel(kernel);
            } else {
                further++;
                rest += kernel.allSeconds();
            }
        }
        if (further > 0) {
            line("%-72s %9.3f %5.1f%%", further + " further, of less than " + 100 * VISIBLE + "% each", 1e3 * rest,
                    100 * rest / step.seconds());
        }
    }

    private void kernel(LaunchTime kernel) {
        StringBuilder resources = new StringBuilder();
        for (Resource resource : Resource.values()) {
            double seconds = kernel.allSeconds(resource);
            resources.append(String.format(Locale.ROOT, seconds == 0 ? " %8s" : " %8.3f",
                    seconds == 0 ? "-" : 1e3 * seconds));
        }
        line("%-28s %7d %8d %5d %5d %7.2f %4.0f%% %9.3f %5.1f%% %-7s%s", kernel.launches().kernel(),
                kernel.launches().blocks(), kernel.launches().launches(), kernel.launches().registers(),
                kernel.residentBlocks(), kernel.waves(), 100 * kernel.balance(step.gpu()), 1e3 * kernel.allSeconds(),
                100 * kernel.allSeconds() / step.seconds(), kernel.bound().label(), resources);
    }

    private void whole() {
        line("step: %.2f ms, %d launches; %.1f GFLOP at %.1f TFLOP/s, %.1f%% of %.1f", 1e3 * step.seconds(),
                step.launches(), step.flop() / 1e9, step.flop() / step.seconds() / 1e12, 100 * step.shareOfLimit(),
                step.gpu().peak(step.precision()) / 1e12);
        line("epoch of %d videos: %.1f s for its training steps", StepModel.EPOCH_VIDEOS, step.epochSeconds());
    }

    private void line(String format, Object... values) {
        text.append("modelled  ").append(String.format(Locale.ROOT, format, values).stripTrailing()).append('\n');
    }
}
