package io.framecast.tools;

import io.framecast.predict.ForecastScores.Metric;
import io.framecast.predict.ForecastScores.Result;
import io.framecast.predict.Forecaster;
import io.framecast.text.Count;
import io.framecast.tools.render.Scores;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Predicate;
import java.util.function.ToDoubleFunction;

/** Scores as text for a terminal. */
final class ScoreTable {

    private ScoreTable() {
    }

    static String of(Forecaster.Evaluation evaluation) {
        Result model = evaluation.model();
        Result baseline = evaluation.baseline();
        StringBuilder text = new StringBuilder();
        text.append(String.format(Locale.ROOT, "%s, %s seen, %d predicted%n", Count.of(model.videos(), "video"),
                Count.of(evaluation.context(), "frame"), evaluation.frames()));
        text.append(String.format("%-5s%34s %34s%n", "", "model", "repeat the last frame"));
        text.append(line("frame", "MSE", "MAE", "PSNR", "SSIM", "MSE", "MAE", "PSNR", "SSIM"));
        for (int frame = 0; frame < evaluation.frames(); frame++) {
            int t = frame;
            text.append(row(Integer.toString(frame + 1), model, baseline, metric -> metric.perFrame()[t],
                    result -> Scores.isExact(result, t)));
        }
        text.append(row("mean", model, baseline, Metric::mean, Scores::isExact));
        text.append(String.format("The mean MSE is %s.%n",
                Scores.beside(model.mse(), baseline.mse(), "repeating the last frame")));
        Scores.exactNote(model, baseline).ifPresent(note -> text.append(note).append(System.lineSeparator()));
        return text.toString();
    }

    private static String row(String name, Result model, Result baseline, ToDoubleFunction<Metric> value,
            Predicate<Result> isExact) {
        List<String> columns = new ArrayList<>(List.of(name));
        for (Result result : List.of(model, baseline)) {
            columns.add(number(value.applyAsDouble(result.mse()), 2, 8));
            columns.add(number(value.applyAsDouble(result.mae()), 2, 8));
            columns.add(isExact.test(result) ? Scores.EXACT : number(value.applyAsDouble(result.psnr()), 2, 7));
            columns.add(number(value.applyAsDouble(result.ssim()), 3, 7));
        }
        return line(columns.toArray());
    }

    /**
     * The scores of two models by frame.
     *
     * @param names of the models, of at most 16 characters
     */
    static String of(List<String> names, Forecaster.Evaluation one, Forecaster.Evaluation other) {
        List<Result> results = List.of(one.model(), other.model(), one.baseline());
        StringBuilder text = new StringBuilder();
        text.append(String.format("%-5s%20s %20s %20s%n", "", names.get(0), names.get(1), "repeat the frame"));
        text.append(String.format("%-5s", "frame"));
        results.forEach(result -> text.append(String.format(" %11s %8s", "MSE", "SSIM")));
        text.append(System.lineSeparator());
        for (int frame = 0; frame < one.frames(); frame++) {
            int t = frame;
            text.append(pairs(Integer.toString(frame + 1), results, metric -> metric.perFrame()[t]));
        }
        return text.append(pairs("mean", results, Metric::mean)).toString();
    }

    private static String pairs(String name, List<Result> results, ToDoubleFunction<Metric> value) {
        StringBuilder text = new StringBuilder(String.format("%-5s", name));
        results.forEach(result -> text.append(String.format(" %11s %8s",
                number(value.applyAsDouble(result.mse()), 2, 8), number(value.applyAsDouble(result.ssim()), 3, 7))));
        return text.append(System.lineSeparator()).toString();
    }

    /** One row, 74 columns wide; wider if the frame's number is longer than the heading. */
    private static String line(Object... columns) {
        return String.format("%-5s %8s %8s %7s %7s  %8s %8s %7s %7s%n", columns);
    }

    /** A number with {@code decimals} decimals if that fits the width, else in scientific notation, as 1.2e+10. */
    static String number(double value, int decimals, int width) {
        if (!Double.isFinite(value)) {
            return Double.isNaN(value) ? "NaN" : value > 0 ? "inf" : "-inf";
        }
        String text = String.format(Locale.ROOT, "%." + decimals + "f", value);
        for (int digits = 2; text.length() > width && digits >= 0; digits--) {
            text = String.format(Locale.ROOT, "%." + digits + "e", value);
        }
        return text;
    }
}
