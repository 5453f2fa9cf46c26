package io.framecast.tools;

import io.framecast.predict.ForecastScores.Result;
import io.framecast.tools.render.Scores;
import java.util.Locale;

/** Scores as text for a terminal. */
final class ScoreTable {

    private ScoreTable() {
    }

    static String of(Forecaster.Evaluation evaluation) {
        Result model = evaluation.model();
        Result baseline = evaluation.baseline();
        StringBuilder text = new StringBuilder();
        text.append(String.format(Locale.ROOT, "%d %s, %d frames seen, %d predicted%n", model.videos(),
                model.videos() == 1 ? "video" : "videos", evaluation.context(), evaluation.frames()));
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
        text.append(String.format("The mean MSE is %s.%n",
                Scores.beside(model.mse(), baseline.mse(), "repeating the last frame")));
        return text.toString();
    }

    /** @param scores MSE, MAE, PSNR and SSIM of the model, and then the baseline's */
    private static String row(String name, double... scores) {
        Object[] columns = new Object[scores.length + 1];
        columns[0] = name;
        for (int k = 0; k < scores.length; k++) {
            columns[k + 1] = Scores.number(scores[k], k % 4 == 3 ? 3 : 2);
        }
        return String.format("%-18s %9s %8s %7s %6s   %9s %8s %7s %6s%n", columns);
    }
}
