package io.framecast.tools.bench;

import io.framecast.backend.Ceilings;
import io.framecast.backend.OpCost;
import io.framecast.nn.ModelConfig;
import io.framecast.text.Count;
import io.framecast.tools.bench.Part.Kind;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/** A benchmark's figures as tables for a terminal. */
public final class BenchText {

    private static final String UNKNOWN = "-";
    /** Smaller shares of a step would be printed as 0.0%. */
    private static final double VISIBLE = 5e-4;
    private static final int NAME = 44;

    private final Ceilings ceilings;
    private final double whole;
    private final StringBuilder text = new StringBuilder();

    private BenchText(Ceilings ceilings, double whole) {
        this.ceilings = ceilings;
        this.whole = whole;
    }

    public static String of(BenchResult result, ModelConfig model) {
        BenchText text = new BenchText(result.ceilings(), result.account().seconds());
        text.summary(result);
        text.breakdown(result.account(), model);
        text.machine(result);
        for (RolloutBench.Figures rollout : result.rollout()) {
            text.line("rollout, batches of %d: %s predicted frames a second (%d frames seen, %d predicted)",
                    rollout.batch(), number("%.1f", rollout.framesPerSecond()), RolloutBench.CONTEXT,
                    RolloutBench.PREDICTED);
        }
        return text.text.toString();
    }

    private void summary(BenchResult result) {
        StepAccount account = result.account();
        line("%s, batches of %s of %s; all figures are a video's", result.model(), Count.of(result.batch(), "video"),
                Count.of(result.frames(), "input frame"));
        line("GFLOP are those of the convolutions' definitions, so that a faster algorithm can exceed the ceiling.");
        line("");
        line("%-44s %9.4f s (median of %d)", "training step", result.seconds(), result.steps());
        line("%-44s %9.2f GFLOP, %s GFLOP/s%s", "", result.flop() / 1e9,
                number("%.1f", result.flop() / result.seconds() / 1e9),
                share(", %s of the matrix product's", result.flop() / result.seconds() / ceilings.matmul()));
        if (!Double.isNaN(result.bytes())) {
            line("%-44s %9.0f MB through memory%s", "", result.bytes() / 1e6,
                    share(", which copying at its best would move in %s of the time",
                            result.bytes() / result.seconds() / ceilings.copy()));
        }
        line("");
        line("A further step, taken apart: seconds %.4f forward, %.4f backward, %.4f optimiser",
                account.seconds(StepAccount.FORWARD), account.seconds(StepAccount.BACKWARD),
                account.seconds(StepAccount.OPTIMISER));
        line("");
    }

    /** All layers, forward and then backward, each with its ops. */
    private void breakdown(StepAccount account, ModelConfig model) {
        line("%-44s %9s %7s %8s %9s %8s %7s %6s", "", "ms", "share", "GFLOP", "GFLOP/s", "matmul", "MB", "copy");
        for (int k = 0; k < model.layers().size(); k++) {
            for (Part part : account.parts()) {
                if (part.layer() == k) {
                    part(k + " " + part.name() + (part.kind() == Kind.FORWARD ? ", forward" : ", backward"), part);
                }
            }
        }
        for (Part part : account.parts()) {
            if (part.layer() < 0) {
                part(part.name(), part);
            }
        }
        total("forward, with the loss", account, StepAccount.FORWARD);
        total("backward", account, StepAccount.BACKWARD);
        total("step", account, StepAccount.STEP);
        line("");
    }

    private void part(String name, Part part) {
        row(name, part.seconds(), part.flop(), part.bytes());
        for (OpCost op : part.ops()) {
            row("    " + op.op(), op.seconds(), op.flop(), op.bytes());
        }
        if (!part.ops().isEmpty() && part.otherSeconds() / whole >= VISIBLE) {
            row("    other", part.otherSeconds(), 0, Double.NaN);
        }
    }

    private void total(String name, StepAccount account, Set<Kind> kinds) {
        row(name, account.seconds(kinds), account.flop(kinds), account.bytes(kinds));
    }

    private void row(String name, double seconds, double flop, double bytes) {
        String shown = name.length() > NAME ? name.substring(0, NAME) : name;
        line("%-44s %9.3f %7s %8s %9s %8s %7s %6s", shown, seconds * 1e3, percent(seconds / whole),
                flop > 0 ? number("%.3f", flop / 1e9) : UNKNOWN,
                flop > 0 ? number("%.1f", flop / seconds / 1e9) : UNKNOWN,
                flop > 0 ? percent(flop / seconds / ceilings.matmul()) : UNKNOWN, number("%.1f", bytes / 1e6),
                percent(bytes / seconds / ceilings.copy()));
    }

    private void machine(BenchResult result) {
        if (!Double.isNaN(ceilings.matmul())) {
            line("ceilings, measured before and after: matrix product %.1f GFLOP/s (fp32 %s, bf16 %s);",
                    ceilings.matmul() / 1e9, number("%.1f", ceilings.matmulFp32() / 1e9),
                    number("%.1f", ceilings.matmulBf16() / 1e9));
            line("    copying %.1f GB/s, read and written bytes both counted", ceilings.copy() / 1e9);
        }
        line("device memory, at most: %.3f GB", result.deviceBytes() / 1e9);
        result.peakRss().ifPresent(bytes -> line("this process's memory, at most: %.3f GB", bytes / 1e9));
    }

    /** The table of {@code --scaling}. */
    public static String of(List<ScalingBench.Row> rows) {
        BenchText text = new BenchText(Ceilings.UNKNOWN, Double.NaN);
        text.line("");
        text.line("a training step with one thing varied, batches of %d", ScalingBench.BATCH);
        text.line("%-10s %6s %12s %10s %10s", "", "", "s a video", "GFLOP", "GFLOP/s");
        for (ScalingBench.Row row : rows) {
            if (row.failure() == null) {
                text.line("%-10s %6d %12.4f %10.2f %10s", row.varied(), row.value(), row.seconds(), row.flop() / 1e9,
                        number("%.1f", row.flop() / row.seconds() / 1e9));
            } else {
                text.line("%-10s %6d %s", row.varied(), row.value(), row.failure());
            }
        }
        return text.text.toString();
    }

    private void line(String format, Object... values) {
        text.append(String.format(Locale.ROOT, format, values)).append(System.lineSeparator());
    }

    private static String number(String format, double value) {
        return Double.isFinite(value) ? String.format(Locale.ROOT, format, value) : UNKNOWN;
    }

    private static String percent(double share) {
        return number("%.1f%%", 100 * share);
    }

    /** The formatted share, or "" if it is unknown. */
    private static String share(String format, double share) {
        return Double.isFinite(share) ? String.format(Locale.ROOT, format, percent(share)) : "";
    }
}
