package io.framecast.tools;

import io.framecast.predict.ForecastScores.Result;
import java.util.Locale;

/** Scores as text for a terminal. */
final class ScoreTable {

    private ScoreTable() {
    }

    static String of(Forecaster.Evaluation evaluation) {
        Result model = evaluation.model();
        Result baseline = evaluation.baseline();
        StringBuilder text = new StringBuilder();
        text.append(String.format(Locale.ROOT, "%d videos, %d frames seen, %d predicted%n", model.videos(),
                evaluation.context(), evaluation.frames()));
        text.append(String.format("%-18s %33s   %33s%n", "", "model", "repeat the last frame"));
        text.append(String.format("%-18s %9s %8s %7s %6s   %9s %8s %7s %6s%n", "predicted frame", "MSE", "MAE", "PSNR",
                "SSIM", "MSE", "MAE", "PSNR", "SSIM"));
        for (int frame = 0; frame < evaluation.frames(); frame++) {
            text.append(row(Integer.toString(frame + 1), model.mse().perFrame()[frame], model.mae().perFrame()[frame],
                    model.psnr().perFrame()[frame], model.ssim().perFrame()[frame], baseline.mse().perFrame()[frame],
                    baseline.mae().perFrame()[frame], baseline.psnr().perFrame()[frame],
                    baseline.ssim().perFrame()[frame]));
        }
        text.append(row("mean", model.mse().mean(), model.mae().mean(), model.psnr().mean(), model.ssim().mean(),
                baseline.mse().mean(), baseline.mae().mean(), baseline.psnr().mean(), baseline.ssim().mean()));
        text.append(String.format(Locale.ROOT, "The mean MSE is %.1f%% %s than that of repeating the last frame.%n",
                100 * Math.abs(model.mse().reductionFrom(baseline.mse())),
                model.mse().reductionFrom(baseline.mse()) >= 0 ? "lower" : "higher"));
        return text.toString();
    }

    private static String row(String name, Object... scores) {
        Object[] columns = new Object[scores.length + 1];
        columns[0] = name;
        System.arraycopy(scores, 0, columns, 1, scores.length);
        return String.format(Locale.ROOT, "%-18s %9.2f %8.2f %7.2f %6.3f   %9.2f %8.2f %7.2f %6.3f%n", columns);
    }
}
